"""Sessions of signed-in people: an id in a cookie, all else in the store."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

from aiohttp import web
from aiohttp_session import AbstractStorage, Session

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.translation.text import gettext
from gateway.web.request_context import HEAD

LIFETIME = 12 * 3600
"""Seconds from signing in until a person has to sign in again."""
SEEN_EVERY = 300
"""Seconds between two notes of when a session was used last."""
PATH = "/portal"
MOST_AGENT = 200
USER, BEGUN, SEEN = "user", "begun", "seen"
"""What a session's data has: who is signed in, since when, and when it was used last."""
_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class ShownSession(Protocol):
    """What a person is shown of a session of theirs."""

    @property
    def key(self) -> str:
        """What it is ended by."""

    @property
    def since(self) -> int:
        """Seconds since the epoch."""

    @property
    def seen(self) -> int:
        """When it was used last."""

    @property
    def address(self) -> str:
        """From where."""

    @property
    def agent(self) -> str:
        """The browser, as it calls itself."""


class OwnSessions(Protocol):
    """A person's sessions, to be looked through and ended."""

    async def listed(self, user_id: str) -> Sequence[ShownSession]:
        """A person's sessions, the latest first."""

    async def end(self, user_id: str, keys: Iterable[str]) -> None:
        """Ends these of them."""


async def end_all(sessions: OwnSessions, user_id: str) -> None:
    """Ends all of a person's sessions."""
    await sessions.end(user_id, [one.key for one in await sessions.listed(user_id)])


class SessionKeeper(Protocol):
    """Where sessions are kept."""

    async def read(self, session_id: str) -> str | None:
        """What was written last; None where the session is unknown or over."""

    async def write(self, session_id: str, data: str, lifetime: int, *, new: bool = True) -> bool:
        """Keeps it for so many seconds; False where it is not `new` and has ended."""

    async def delete(self, session_id: str) -> None:
        """Ends it."""


NoteSession = Callable[[str, str, int, int, str, str, int], Awaitable[None]]
"""Notes what a person is shown of a session: the user's and the session's id, since when and when it was
seen, the address, the browser, and for how many seconds.
"""


def cookie_name(*, secure: bool) -> str:
    """What the cookie of a session is called."""
    return "__Secure-gatepost-portal" if secure else "gatepost-portal"


class StoredSessions(AbstractStorage):
    """`aiohttp-session`'s storage. The store is asked only about ids that can be ours."""

    def __init__(self, keeper: SessionKeeper, note: NoteSession, clock: Clock, *, secure: bool) -> None:
        # The prefix keeps plain-HTTP pages of the same host from setting the cookie.
        super().__init__(
            cookie_name=cookie_name(secure=secure), path=PATH, secure=secure, httponly=True, samesite="Lax"
        )
        self._keeper = keeper
        self._note = note
        self._clock = clock
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
        """A session without an id gets a new one, and the browser's last one ends.

        It lives no longer for being used, and one that was ended meanwhile stays so.
        """
        before = self._cookie(request)
        if before is not None and (session.empty or before != session.identity):
            await self._keeper.delete(before)
        if session.empty:
            self._set(response, "", max_age=0)
            return
        new = session.identity is None
        session_id = session.identity or secrets.token_urlsafe(32)
        try:
            there = await self._written(request, session, session_id, new=new)
        except StoreUnavailable:
            if new:
                raise
            # Only when it was used is not noted, then.
            return
        if there:
            self._set(response, session_id)
        else:
            self._set(response, "", max_age=0)

    async def _written(self, request: web.Request, session: Session, session_id: str, *, new: bool) -> bool:
        """Writes a session; False where it has ended meanwhile."""
        now = int(self._clock())
        begun = int(session.setdefault(BEGUN, now))
        left = max(begun + LIFETIME - now, 1)
        data = json.dumps(self._get_session_data(session))
        if not await self._keeper.write(session_id, data, left, new=new):
            return False
        if isinstance(session.get(USER), str):
            agent = request.headers.get("User-Agent", "")[:MOST_AGENT].encode("ascii", "replace").decode()
            address = request[HEAD].peer.address
            await self._note(session[USER], session_id, begun, now, address, agent, LIFETIME)
        return True

    def _cookie(self, request: web.Request) -> str | None:
        value = self.load_cookie(request)
        return value if value is not None and _ID.fullmatch(value) else None

    def _set(self, response: web.StreamResponse, value: str, **more: Any) -> None:
        response.set_cookie(
            self.cookie_name, value, path=PATH, secure=self._secure, httponly=True, samesite="Lax", **more
        )


_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
LONGEST_BROWSER = 40


def browser_of(agent: str) -> str:
    """A browser as people call it: `Firefox on Linux`."""
    name = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if name:
        return gettext("%(browser)s on %(system)s", browser=name, system=system) if system else name
    return agent[:LONGEST_BROWSER] or gettext("unknown")
