"""What is shown once, such as a new secret, on a page that can be reloaded.

It is in a cookie, sealed for one user and one page. So a form answers by sending the browser on, a reload
repeats no action, and the store never has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from gateway.oauth.token_encryption import TokenCipher
from gateway.portal.sealed_cookie import LONGEST, cookie_named, give_cookie, open_value, seal_value

PURPOSE = "portal values shown once"
LIFETIME = 12 * 3600
"""Seconds, as for a session."""
KINDS = ("secret", "api_key", "token", "invitation", "passkey", "webhook")


class ShownOnce:
    """Seals what a page shows, and opens it for the same user on the same page."""

    def __init__(self, cipher: TokenCipher, *, secure: bool) -> None:
        self._cipher = cipher
        self._secure = secure

    def keep(
        self, response: web.StreamResponse, kind: str, owner: str, page: str, shown: Mapping[str, object]
    ) -> bool:
        """Gives it to the browser; False where it is too long for that."""
        value = seal_value(self._cipher, json.dumps(dict(shown)), _slot(kind, owner, page))
        if len(value) > LONGEST:
            return False
        self._set(response, kind, page, value, LIFETIME)
        return True

    def read(self, request: web.Request, kind: str, owner: str, page: str) -> dict[str, object] | None:
        """What was kept for this user on this page; None: nothing."""
        value = request.cookies.get(self._name(kind), "")
        text = open_value(self._cipher, value, _slot(kind, owner, page))
        return None if text is None else dict(json.loads(text))

    def forget(self, response: web.StreamResponse, kind: str, page: str) -> None:
        """Takes it from the browser."""
        self._set(response, kind, page, "", 0)

    def _name(self, kind: str) -> str:
        return cookie_named(f"shown-{kind}", secure=self._secure)

    def _set(self, response: web.StreamResponse, kind: str, page: str, value: str, seconds: int) -> None:
        give_cookie(response, self._name(kind), value, path=page, seconds=seconds, secure=self._secure)


def _slot(kind: str, owner: str, page: str) -> str:
    return json.dumps([kind, owner, page])
