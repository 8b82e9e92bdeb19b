"""Keeps a sign-in at a provider bound to one browser, in a cookie that only the gateway can read or make."""

from __future__ import annotations

from aiohttp import web

from gateway.oauth.oidc import FLOW_LIFETIME, SignInFlow, read_flow
from gateway.oauth.token_encryption import TokenCipher
from gateway.portal.sealed_cookie import open_value, seal_value

FLOW_PURPOSE = "portal sign-in at a provider"
_SLOT = "sign-in"


class FlowCookie:
    """The state, the nonce and the verifier never leave the browser's cookie but to be compared."""

    def __init__(self, cipher: TokenCipher, *, secure: bool) -> None:
        self._cipher = cipher
        self._secure = secure
        # RFC 6265bis section 4.1.3.2: no other host, and no plain HTTP, can set a cookie of this name.
        self._name = "__Host-gatepost-sign-in" if secure else "gatepost-sign-in"

    def give(self, response: web.StreamResponse, flow: SignInFlow) -> None:
        """Has the browser keep the flow. An earlier one is forgotten."""
        self._set(response, seal_value(self._cipher, flow.text(), _SLOT), FLOW_LIFETIME)

    def read(self, request: web.Request) -> SignInFlow | None:
        """The flow that the browser has kept; None: none of ours."""
        text = open_value(self._cipher, request.cookies.get(self._name, ""), _SLOT)
        return None if text is None else read_flow(text)

    def forget(self, response: web.StreamResponse) -> None:
        """Takes it from the browser."""
        self._set(response, "", 0)

    def _set(self, response: web.StreamResponse, value: str, seconds: int) -> None:
        # Lax, as the browser comes back from the provider's site.
        response.set_cookie(
            self._name,
            value,
            path="/",
            max_age=seconds,
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )
