"""A portal that has something of everything, so that a test can walk over all pages and all forms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from gateway.portal.page_rights import SIGNED_OUT
from gateway.portal.pages import PAGES
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.pages.test_passkeys import added, configured, options_of
from tests.portal.reader import Form, Reader, Sheet
from tests.ports import free_port
from tests.running import Running

BOSS, WORD = "boss", "correct horse"
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "paths": {"/orders": {"get": {"operationId": "list", "summary": "List orders", "responses": {}}}},
}
ELSEWHERE = re.compile(
    r"^/(sign-in|sign-up|sign-out|language|confirm-email|pages/images)|/progress$|\.csv$|\.json$|\{action:|/token$|^/$"
)
"""What is no page that a person reads who is signed in."""
NOT_HERE = {
    "/users/invite": "where people sign up by invitation, which they do not here",
    "/account/email/provider": "for who signs in at a provider",
}
"""Forms that this portal has not."""
_PLACE = re.compile(r"\{(\w+)(?::([^}]*))?\}")


@dataclass
class Found:
    """A form, where it is, and what the table of pages calls it."""

    pattern: str
    page: str
    form: Form

    def send(self, reader: Reader, **changes: str) -> Sheet:
        """Sends it with some fields filled in otherwise."""
        pairs = [(name, value) for name, value in self.form.fields if name not in changes]
        body = urlencode([*pairs, *changes.items()]).encode()
        return reader.open(urljoin(f"{reader.base}{self.page}", self.form.action), body)


@dataclass
class Everything:
    """A gateway whose portal has everything, with an administrator who signed up."""

    running: Running
    reader: Reader
    places: list[dict[str, str]]
    """What stands for the parts of paths."""

    def paths(self, pattern: str) -> list[str]:
        """The paths of a page."""
        names = {found[1] for found in _PLACE.finditer(pattern)}
        made = [one for one in self.places if names <= one.keys()]
        return list(dict.fromkeys(f"/portal{_filled(pattern, one)}" for one in made))

    def pages(self) -> Iterator[tuple[str, str]]:
        """Each page that a person reads: what the table calls it, and a path."""
        for method, pattern, _ in PAGES:
            if method == "GET" and not ELSEWHERE.search(pattern):
                for path in self.paths(pattern):
                    yield pattern, path
        yield "/subscriptions/new", "/portal/subscriptions/new?api=Orders"

    def forms(self, reader: Reader | None = None) -> dict[str, Found]:
        """Every form that changes something, by what the table calls it; the first of each kind.

        Another reader than the one who made all of it does not have every page.
        """
        found: dict[str, Found] = {}
        for _, path in self.pages():
            sheet = (reader or self.reader).open(path)
            assert sheet.status == 200 or (reader and sheet.status == 404), (path, sheet.words)
            for one in sheet.forms:
                action = urlsplit(urljoin(sheet.url, one.action)).path
                pattern = pattern_of(action) if one.method == "post" else ""
                if pattern in form_patterns():
                    found.setdefault(pattern, Found(pattern, path, one))
        return found


def _filled(pattern: str, places: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: places[found[1]], pattern)


def pattern_of(path: str) -> str:
    """What the table of pages calls the form that is sent to a path."""
    for method, pattern, _ in PAGES:
        shape = _PLACE.sub(lambda one: f"({one[2] or '[^/]+'})", pattern)
        if method == "POST" and re.fullmatch(f"/portal{shape}", path):
            return pattern
    raise AssertionError(path)


def form_patterns() -> set[str]:
    """All forms for who is signed in, as the table of pages calls them."""
    every = {pattern for method, pattern, _ in PAGES if method == "POST"}
    return {one for one in every if not one.startswith(SIGNED_OUT)}


def _id(sheet: Sheet) -> str:
    return urlsplit(sheet.url).path.rpartition("/")[2]


def linked(sheet: Sheet, pattern: str) -> str:
    """A part of the first link of a page that fits."""
    found = re.search(f'href="[^"]*{pattern}', sheet.html)
    assert found is not None, sheet.html
    return found[1]


def _config(folder: Path) -> dict[str, Any]:
    document = folder / "orders.json"
    document.write_text(json.dumps(DOCUMENT))
    (folder / "welcome.md").write_text("# Welcome\n\nHello.\n")
    docs = {"title": "Orders", "openapi": str(document)}
    asked = {"upstream": "orders", "access": "request"}
    # Nobody takes the mails: they wait.
    mail: dict[str, Any] = {"smtp": {"host": "127.0.0.1", "port": free_port(), "tls": "none"}}
    mail |= {"from": "portal@example.org", "to": ["boss@example.org"]}
    portal = {"sign_up": "approval", "users": [{"name": ADMIN, "password": PASSWORD, "admin": True}]}
    made = configured(
        portal={
            **portal,
            "passkeys": True,
            "webhooks": True,
            "notify": {"email": mail, "events": ["user.signed_up"]},
            "pages": [str(folder / "welcome.md")],
        },
        routes=[
            {"path": "/orders", **asked, "scopes": ["orders.read"], "docs": docs},
            {"path": "/reports", **asked, "docs": {"title": "Reports"}},
        ],
    )
    # So that who finds the store back finds it with every request.
    made["server"]["workers"] = 1
    return made


def _joined(running: Running, name: str) -> None:
    form = Reader(running.http).open("/portal/sign-up")
    assert form.submit("/sign-up", name=name, password=WORD, again=WORD).status == 200


def _account(admin: Reader, name: str) -> str:
    """The id of an account."""
    users = admin.open(f"/portal/users?search={name}").html
    found = re.search(r"/portal/users/(store:[^/\"]+)/", users)
    assert found is not None, users
    return found[1]


def _signed_in(running: Running, admin: Reader, name: str, role: str) -> Reader:
    """A browser of a new account."""
    _joined(running, name)
    user = _account(admin, name)
    admin.open("/portal/users").submit(f"{user}/approve")
    admin.open("/portal/users").submit(f"{user}/role", role=role)
    reader = Reader(running.http)
    assert reader.sign_in(name, WORD).status == 200
    return reader


def everything(start: Callable[..., Running], folder: Path, store: str = "") -> Everything:
    """Starts a gateway, and fills its portal."""
    running = start(store, **_config(folder))
    admin = Reader(running.http)
    assert admin.sign_in(ADMIN, PASSWORD).status == 200
    boss = _signed_in(running, admin, BOSS, "admin")
    helper = _signed_in(running, admin, "helper", "developer")
    _joined(running, "waiting")
    Reader(running.http).sign_in(BOSS, WORD)
    places = {"environment": "production", "page": "welcome"}
    api = linked(boss.open("/portal/apis"), r"/portal/apis/([^/\"]+)\"")
    places |= {"api": api, "operation": linked(boss.open(f"/portal/apis/{api}"), rf"/{api}/([^/\".]+)\"")}
    theirs = helper.open("/portal/teams").submit("/new", name="Theirs")
    link = theirs.submit("/invite").value("invitation")
    places |= {"code": link.rpartition("/")[2]}
    team = boss.open("/portal/teams").submit("/new", name="Ours")
    boss.open(urlsplit(team.url).path).submit("/add-member", user="helper", role="owner")
    places |= {"team": _id(team)}
    added(boss)
    shop, second = (boss.application(name) for name in ("Shop", "Second"))
    for one in (shop, second):
        boss.open(f"{one}/production").submit("/generate-keys")
    boss.open(f"{second}/production/danger").submit("/disable")
    boss.open(f"{shop}/production/secrets").submit("/add-secret", secret_name="more")
    boss.open(f"{shop}/production/secrets").submit("/add-api-key", key_name="more")
    made = boss.open(f"{shop}/webhook").submit("/save", url="https://hooks.example.org/events")
    assert made.status == 200, made.words
    places |= {"id": shop.rpartition("/")[2]}
    subscriptions = []
    for api in ("Reports", "Orders"):
        form = boss.open(f"/portal/subscriptions/new?api={api}")
        subscriptions.append(form.submit("/new", application=places["id"]))
    subscriptions[0].submit("/approve")
    boss.open("/portal/account/email").submit("/email", address="boss@example.org", current=WORD)
    begun = boss.open("/portal/account/passkeys").submit("/passkeys", name="Other")
    assert options_of(begun), begun.words
    return Everything(
        running,
        boss,
        [
            *({**places, "subscription": _id(one)} for one in subscriptions),
            {"id": places["id"], "environment": "sandbox"},
            {"id": second.rpartition("/")[2], "environment": "production"},
        ],
    )
