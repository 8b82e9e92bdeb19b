"""What keeps other sites' pages out: headers on every answer, a proof in every form."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence

from aiohttp import web

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_VALUE = re.compile(r"[A-Za-z0-9_-]{22}")


class CsrfToken:
    """Proves that a form was filled in on a page of this portal, in this browser.

    A page's forms hold a tag of what only the browser and the gateway know: the session's id, or, before
    there is a session, the value of a cookie of its own. The store keeps nothing for strangers.

    Behind it stands a tag of the cookie that names the person, which outlives sessions: a form of an earlier
    session changes nothing, but what was typed into it need not be lost.
    """

    def __init__(self, keys: Sequence[bytes], *, secure: bool) -> None:
        """Tags are made with the first key; those made with any of them prove the same."""
        self._keys = keys
        self._secure = secure
        self._cookie = "__Secure-gatepost-form" if secure else "gatepost-form"

    def binding(self, request: web.Request, session_id: str | None) -> str | None:
        """What the browser is known by; None where it brought nothing."""
        if session_id is not None:
            return f"session {session_id}"
        value = request.cookies.get(self._cookie, "")
        return f"cookie {value}" if _VALUE.fullmatch(value) else None

    def new_binding(self) -> tuple[str, str]:
        """For a browser that brought nothing: the cookie's value, and what it is known by from now on."""
        value = secrets.token_urlsafe(16)
        return value, f"cookie {value}"

    def give(self, response: web.StreamResponse, value: str) -> None:
        """Sends the cookie."""
        response.set_cookie(
            self._cookie, value, path="/portal", secure=self._secure, httponly=True, samesite="Strict"
        )

    def tag(self, binding: str, person: str = "") -> str:
        """What the forms hold. `person`: the cookie that names who is signed in."""
        tag = _tag(self._keys[0], binding)
        return f"{tag}.{_tag(self._keys[0], f'person {person}')}" if person else tag

    def proves(self, binding: str | None, tag: str) -> bool:
        """Whether a form's tag is the browser's own."""
        return binding is not None and self._is_of(binding, tag.partition(".")[0])

    def was_of(self, person: str, tag: str) -> bool:
        """Whether the form was shown in this browser, to the person whom the cookie names, in any session."""
        return person != "" and self._is_of(f"person {person}", tag.partition(".")[2])

    def _is_of(self, binding: str, tag: str) -> bool:
        return any(hmac.compare_digest(_tag(key, binding).encode(), tag.encode()) for key in self._keys)


def _tag(key: bytes, binding: str) -> str:
    return hmac.digest(key, binding.encode(), "sha256").hex()


def from_elsewhere(request: web.Request) -> bool:
    """Whether the browser says that another site's page sent this, or that no person followed a link.

    https://www.w3.org/TR/fetch-metadata/: scripts of an API's own pages, which have the same origin, can't
    read the portal's pages in this way either.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    if request.method in ("GET", "HEAD"):
        return mode != "navigate"
    return site not in ("same-origin", "none") or mode != "navigate"
