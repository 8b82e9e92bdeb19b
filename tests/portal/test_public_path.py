"""The portal behind a proxy that puts a path in front of it, which `server.public_url` has."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from gateway.portal.public_path import public_path, seen_from_outside
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, call
from tests.running import Running


@pytest.fixture(scope="module")
def site(start: Callable[..., Running]) -> str:
    server = {
        "listen": [{"port": 0, "host": "127.0.0.1"}],
        "public_url": "http://127.0.0.1:1/auth",
        "trusted_proxies": ["127.0.0.1/32"],
    }
    grown = {"id": "boss", "secrets": ["boss-secret"], "scopes": ["portal:manage"]}
    return start(server=server, clients=[{**grown, "grants": ["client_credentials"]}]).http


def test_people_sign_in_and_make_keys_beneath_the_path(site: str) -> None:
    reader = Reader(site)
    assert urlsplit(reader.open("/auth/portal").url).path == "/auth/portal/sign-in"
    asked = reader.open("/auth/portal/apis?search=orders")
    page = asked.submit("/sign-in", name=ADMIN, password=PASSWORD)
    assert page.url.endswith("/auth/portal/apis?search=orders")
    form = reader.open("/auth/portal/applications/new")
    made = form.submit("/new", name="Shop")
    place = urlsplit(made.url).path
    assert place.startswith("/auth/portal/applications/")
    keys = reader.open(f"{place}/production").submit("/generate-keys")
    assert "gps_" in keys.value("consumer-secret")
    assert {cookie.path.startswith("/auth/portal") for cookie in reader.cookies} == {True}


def test_nothing_on_a_page_leads_past_the_path_however_it_was_asked_for(site: str) -> None:
    reader = Reader(site)
    signed_in = reader.open("/auth/portal/sign-in").submit("/sign-in", name=ADMIN, password=PASSWORD)
    for sheet in (signed_in, reader.open("/auth/portal/account"), Reader(site).open("/portal/sign-up")):
        places = re.findall(r'\s(?:href|src|action)="(/[^"]*)"', sheet.html)
        assert len(places) > 5
        assert [place for place in places if not place.startswith("/auth/portal/")] == []
    # A proxy that removes the path: the browser asked for it, and is sent to it.
    assert urlsplit(Reader(site).open("/portal/").url).path == "/auth/portal/sign-in"


def test_programs_find_their_way_beneath_the_path(site: str) -> None:
    form = {"grant_type": "client_credentials", "scope": "portal:manage"}
    _, token = call(site, "/auth/token", form, basic="boss:boss-secret")
    bearer = token["access_token"]
    status, listed = call(site, "/auth/portal/api/v1/users?limit=1", bearer=bearer)
    assert status == 200
    following = listed["pagination"]["next"]
    assert following == "" or following.startswith("/auth/portal/api/v1/users?")


def test_without_a_path_nothing_is_changed() -> None:
    assert public_path("https://g.example") == ""
    response = web.Response(status=303, headers={"Location": "/portal/"})
    seen_from_outside(response, "")
    assert response.headers["Location"] == "/portal/"


def test_only_what_leads_to_the_portal_is_changed() -> None:
    text = '<a href="/portal/a">href="/portal/b"</a> <a href="/portals">&#34;</a> <p title="/portal/c">'
    response = web.Response(
        text=text, content_type="text/html", headers={"Location": "https://x.example/portal/"}
    )
    response.set_cookie("own", "1", path="/portal/x")
    response.set_cookie("other", "1", path="/")
    seen_from_outside(response, public_path("https://g.example/auth/"))
    assert response.text == text.replace('<a href="/portal/a', '<a href="/auth/portal/a')
    assert response.headers["Location"] == "https://x.example/portal/"
    assert [one["path"] for one in response.cookies.values()] == ["/auth/portal/x", "/"]
