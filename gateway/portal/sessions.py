"""Sessions of signed-in people: an id in a cookie, all else in the store."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any, Protocol

from aiohttp import web
from aiohttp_session import AbstractStorage, Session

LIFETIME = 12 * 3600
"""Seconds from signing in until a person has to sign in again."""
PATH = "/portal"
_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class SessionKeeper(Protocol):
    """Where sessions are kept."""

    async def read(self, session_id: str) -> str | None:
        """What was written last; None where the session is unknown or over."""

    async def write(self, session_id: str, data: str, lifetime: int) -> None:
        """Keeps it for so many seconds."""

    async def delete(self, session_id: str) -> None:
        """Ends it."""


class StoredSessions(AbstractStorage):
    """`aiohttp-session`'s storage. The store is asked only about ids that can be ours."""

    def __init__(self, keeper: SessionKeeper, *, secure: bool) -> None:
        # The prefix keeps plain-HTTP pages of the same host from setting the cookie.
        name = "__Secure-gatepost-portal" if secure else "gatepost-portal"
        super().__init__(cookie_name=name, path=PATH, secure=secure, httponly=True, samesite="Lax")
        self._keeper = keeper
        self._secure = secure

    async def load_session(self, request: web.Request) -> Session:
        session_id = self._cookie(request)
        data = None if session_id is None else await self._keeper.read(session_id)
        if data is None:
            return Session(None, data=None, new=True)
        return Session(session_id, data=json.loads(data), new=False)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """A session without an id gets a new one, and the browser's last one ends."""
        before = self._cookie(request)
        if before is not None and (session.empty or before != session.identity):
            await self._keeper.delete(before)
        if session.empty:
            self._set(response, "", max_age=0)
            return
        session_id = session.identity or secrets.token_urlsafe(32)
        await self._keeper.write(session_id, json.dumps(self._get_session_data(session)), LIFETIME)
        self._set(response, session_id)

    def _cookie(self, request: web.Request) -> str | None:
        value = self.load_cookie(request)
        return value if value is not None and _ID.fullmatch(value) else None

    def _set(self, response: web.StreamResponse, value: str, **more: Any) -> None:
        response.set_cookie(
            self.cookie_name, value, path=PATH, secure=self._secure, httponly=True, samesite="Lax", **more
        )
