"""A server that behaves like GitHub: its OAuth endpoints and the parts of its API that a sign-in asks.

Faithful to https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps, to its page
on errors of token requests, and to the REST API's reference: errors of the token endpoint come with status
200, forms are answered with forms unless JSON is accepted, a scope that lacks hides a resource (404) or is
named (403), lists come in pages.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

APP, APP_SECRET = "Iv1.8a61f9b3a7aba766", "0123456789abcdef0123456789abcdef01234567"
API = "/api/v3"
"""Where the API of a server of one's own is."""
HUGE = 1024 * 1024
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Account:
    """Somebody with an account."""

    id: int
    login: str
    name: str | None = "Ada Lovelace"
    type: str = "User"
    emails: list[dict[str, Any]] = field(default_factory=list)
    memberships: list[dict[str, Any]] = field(default_factory=list)
    teams: list[dict[str, Any]] = field(default_factory=list)

    def mail(self, address: str, *, verified: bool = True, primary: bool = False) -> Account:
        """Adds an address."""
        self.emails.append(
            {"email": address, "verified": verified, "primary": primary, "visibility": "private"}
        )
        return self

    def join(self, name: str, number: int, *teams: str, state: str = "active") -> Account:
        """Makes a member of an organization, and of teams there."""
        owner = {"login": name, "id": number, "description": None}
        self.memberships.append({"state": state, "role": "member", "organization": owner, "user": {}})
        self.teams += [
            {"id": number * 10 + index, "name": one.title(), "slug": one, "organization": owner}
            for index, one in enumerate(teams)
        ]
        return self


@dataclass
class ScriptedGithub:
    """What is signed in, and what is wrong, is set by the test."""

    url: str = ""
    account: Account = field(default_factory=lambda: Account(1, "ada"))
    """Who is signed in there."""
    asks: bool = False
    """Whether the person has to agree on a page."""
    back: dict[str, str] = field(default_factory=dict)
    """Parameters that are changed on the way back; empty ones are left out."""
    wrong: dict[str, Answer] = field(default_factory=dict)
    """What is answered at a path in place of the right answer."""
    granted: str | None = None
    """The scopes that the person agrees to; None: those that are asked for."""
    revoked: bool = False
    """Whether the person has taken the app's access back."""
    asked: dict[str, str] = field(default_factory=dict)
    """The last authorization request."""
    seen: list[str] = field(default_factory=list)
    """The requests of the gateway, by method and path."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, tuple[Account, str]] = field(default_factory=dict)

    def reset(self, account: Account) -> None:
        """Somebody else signs in, and nothing is wrong."""
        self.account, self.asks, self.granted, self.revoked = account, False, None, False
        self.back, self.wrong, self.seen = {}, {}, []

    def app(self) -> web.Application:
        """The server."""

        @web.middleware
        async def seen(request: web.Request, handler: Answer) -> web.StreamResponse:
            self.seen.append(f"{request.method} {request.path}")
            return await self.wrong.get(request.path, handler)(request)

        app = web.Application(middlewares=[seen])
        app.router.add_get("/login/oauth/authorize", self._authorize)
        app.router.add_post("/login/oauth/access_token", self._exchange)
        app.router.add_get("/logout", self._logout)
        app.router.add_get(f"{API}/user", self._user)
        app.router.add_get(f"{API}/user/emails", self._emails)
        app.router.add_get(f"{API}/user/memberships/orgs", self._memberships)
        app.router.add_get(f"{API}/user/teams", self._teams)
        return app

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        asked = self.asked = dict(request.query)
        if asked.get("client_id") != APP:
            return web.Response(status=404, text="<title>Page not found</title>", content_type="text/html")
        code = secrets.token_hex(10)
        self.codes[code] = asked
        back = {"code": code, "state": asked.get("state", "")} | self.back
        query = urlencode({name: one for name, one in back.items() if one})
        place = f"{asked['redirect_uri']}?{query}"
        if not self.asks:
            return web.Response(status=302, headers={"Location": place})
        refuse = f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
        page = (
            f'<!doctype html><html lang="en"><title>Authorize application</title><h1>Authorize Gatepost</h1>'
            f'<p>{escape(asked.get("scope", ""))}</p><a href="{escape(place)}">Authorize</a> '
            f'<a href="{escape(refuse)}">Cancel</a></html>'
        )
        return web.Response(text=page, content_type="text/html")

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        del request
        page = (
            '<!doctype html><html lang="en"><title>GitHub</title><h1>Are you sure you want to sign out?</h1>'
        )
        return web.Response(text=page, content_type="text/html")

    async def _exchange(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("client_id") != APP:
            return self._told(request, {"error": "Not Found"}, 404)
        if form.get("client_secret") != APP_SECRET:
            return self._told(request, {"error": "incorrect_client_credentials"})
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or (asked.get("code_challenge_method"), asked.get("code_challenge")) != (
            "S256",
            challenge,
        ):
            return self._told(request, {"error": "bad_verification_code"})
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return self._told(request, {"error": "redirect_uri_mismatch"})
        token = f"gho_{secrets.token_hex(18)}"
        scopes = asked.get("scope", "") if self.granted is None else self.granted
        self.tokens[token] = (self.account, scopes)
        given = {"access_token": token, "token_type": "bearer", "scope": scopes.replace(" ", ",")}
        return self._told(request, given)

    def _told(self, request: web.Request, members: dict[str, str], status: int = 200) -> web.Response:
        if "error" in members:
            members |= {"error_description": "As documented.", "error_uri": "https://docs.github.com/"}
        if "application/json" in request.headers.get("Accept", ""):
            return web.json_response(members, status=status)
        return web.Response(
            text=urlencode(members), status=status, content_type="application/x-www-form-urlencoded"
        )

    def _who(self, request: web.Request, scope: str, hidden: bool) -> tuple[Account, str] | web.Response:
        if not request.headers.get("User-Agent"):
            return web.Response(status=403, text="Request forbidden by administrative rules.")
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        found = self.tokens.get(token) if kind in ("Bearer", "token") else None
        if found is None or self.revoked:
            return self._problem(401, "Bad credentials")
        if scope and scope not in found[1].split():
            return self._problem(404, "Not Found") if hidden else self._problem(403, "You need read:org.")
        return found

    def _problem(self, status: int, message: str) -> web.Response:
        members = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        return web.json_response(members | {"status": str(status)}, status=status)

    async def _user(self, request: web.Request) -> web.StreamResponse:
        who = self._who(request, "", hidden=False)
        if isinstance(who, web.Response):
            return who
        account = who[0]
        # The public address, which somebody chooses to show, says nothing of who may sign in.
        return web.json_response(
            {"login": account.login, "id": account.id, "node_id": "MDQ6VXNlcjE=", "type": account.type,
             "site_admin": False, "name": account.name, "company": "@acme", "email": "boss@acme.example"}
        )  # fmt: skip

    async def _emails(self, request: web.Request) -> web.StreamResponse:
        return self._list(request, self._who(request, "user:email", hidden=True), "emails")

    async def _memberships(self, request: web.Request) -> web.StreamResponse:
        return self._list(request, self._who(request, "read:org", hidden=False), "memberships")

    async def _teams(self, request: web.Request) -> web.StreamResponse:
        return self._list(request, self._who(request, "read:org", hidden=True), "teams")

    def _list(
        self, request: web.Request, who: tuple[Account, str] | web.Response, name: str
    ) -> web.StreamResponse:
        if isinstance(who, web.Response):
            return who
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        state = request.query.get("state")
        items = [one for one in getattr(who[0], name) if state is None or one.get("state") == state]
        return web.json_response(items[(page - 1) * size : page * size])


def says(body: bytes | str, status: int = 200, **headers: str) -> Answer:
    """Answers so."""

    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        data = body.encode() if isinstance(body, str) else body
        return web.Response(body=data, status=status, headers=headers)

    return answer


async def never(request: web.Request) -> web.StreamResponse:
    """Answers when nobody waits any more."""
    await asyncio.sleep(60)
    return web.Response()


@contextmanager
def scripted_github() -> Iterator[ScriptedGithub]:
    """Serves a GitHub on a free port."""
    github, loop = ScriptedGithub(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> web.AppRunner:
        runner = web.AppRunner(github.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    github.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    assert urlsplit(github.url).port
    try:
        yield github
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
