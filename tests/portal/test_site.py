"""The portal as a whole: who can send what, what every answer bears, and what happens without a store."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from http.client import HTTPConnection, HTTPMessage
from urllib.parse import urlsplit

import pytest

from tests.conftest import Valkey
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader, call
from tests.running import Running

PAGES = ("/portal/sign-in", "/portal/sign-up", "/portal/nothing", "/portal/static/portal.css")


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_keeps_other_sites_out(reader: Reader, path: str) -> None:
    headers = reader.open(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_pages_are_not_kept_and_static_files_are(reader: Reader) -> None:
    page = reader.open("/portal/sign-in")
    assert page.headers["Cache-Control"] == "no-store"
    sheet = page.html.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "immutable" in reader.open(sheet).headers["Cache-Control"]
    assert reader.open("/portal/static/portal.css").headers["Cache-Control"] == "no-cache"
    assert reader.open("/portal/static/../desk.py").status in (400, 404)


def test_without_the_slash_one_gets_there_too(reader: Reader) -> None:
    assert reader.open("/portal").url.endswith("/portal/sign-in")


@pytest.mark.parametrize("proof", ["", "proof=", "proof=" + "0" * 64])
def test_a_form_without_the_pages_proof_changes_nothing(developer: Reader, proof: str) -> None:
    told = developer.open("/portal/applications/new", f"name=Forged&{proof}".encode())
    assert (told.status, "The form was not accepted" in told.words) == (403, True)
    assert "Go back, reload the page" in told.words, "reloading this answer would send the form again"
    assert "Create your first application" in developer.open("/portal/applications").words


def test_another_browsers_proof_is_none(developer: Reader, admin: Reader) -> None:
    stolen = dict(admin.open("/portal/applications/new").form("/new").fields)["proof"]
    assert developer.open("/portal/applications/new", f"name=Forged&proof={stolen}".encode()).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_sites_page_sends_is_refused(developer: Reader, site: str) -> None:
    proof = dict(developer.open("/portal/applications/new").form("/new").fields)["proof"]
    body = f"name=Forged&proof={proof}".encode()
    told = developer.open("/portal/applications/new", body, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")
    assert told.status == 403


def test_a_script_of_an_apis_own_page_can_not_read_the_portal(developer: Reader) -> None:
    told = developer.open("/portal/applications", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="cors")
    assert told.status == 403


def test_a_sign_in_form_needs_its_cookie(reader: Reader) -> None:
    page = reader.open("/portal/sign-in")
    reader.cookies.clear()
    told = page.submit("/sign-in", name=ADMIN, password=PASSWORD)
    assert (told.status, "your browser did not send the portal's cookie" in told.words) == (403, True)


def test_what_is_not_there_or_not_taken_is_a_page(developer: Reader) -> None:
    assert "Page not found" in developer.open("/portal/applications/nothing").words
    wrong = developer.open("/portal/account/x", b"")
    assert (wrong.status, "Page not found" in wrong.words) == (404, True)
    taken = developer.open("/portal/apis", b"")
    assert (taken.status, set(taken.headers["Allow"].split(","))) == (405, {"GET", "HEAD"})


@pytest.mark.parametrize("body", [b"\xff\xfe", b"name=%ff", b"a=1&" * 501])
def test_a_broken_form_is_refused(developer: Reader, body: bytes) -> None:
    assert developer.open("/portal/applications/new", body).status == 403


def test_a_form_of_any_size_is_not(developer: Reader) -> None:
    assert developer.open("/portal/applications/new", b"x" * 70_000).status == 413


@pytest.fixture(scope="module")
def secure(start: Callable[..., Running]) -> str:
    """The plain listener of a gateway whose people come by HTTPS."""
    server = {
        "listen": [{"port": 0, "host": "127.0.0.1"}],
        "public_url": "https://gateway.example",
        "trusted_proxies": ["127.0.0.1"],
    }
    return start(server=server).http


HTTPS = {"X_Forwarded_Proto": "https"}


def test_over_https_the_cookies_are_for_https_only(secure: str) -> None:
    reader = Reader(secure)
    page = reader.open("/portal/sign-in", **HTTPS)
    (form_cookie,) = page.headers.get_all("Set-Cookie") or []
    assert form_cookie.startswith("__Secure-gatepost-form=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/portal"} <= set(form_cookie.split("; "))
    pair = form_cookie.partition(";")[0]
    proof = dict(page.form("/sign-in").fields)["proof"]
    body = f"name={ADMIN}&password={PASSWORD.replace(' ', '+')}&proof={proof}&next=".encode()
    # The test's own cookies are not sent over plain HTTP, so the browser is not signed in at the end.
    reader.cookies.clear()
    answer = reader.open("/portal/sign-in", body, Cookie=pair, **HTTPS)
    assert "/portal/sign-in" in answer.url


@pytest.mark.parametrize(
    ("method", "path", "to"),
    [
        ("GET", "/portal/sign-in?next=/portal/apis", "/portal/sign-in?next=%2Fportal%2Fapis&https=1"),
        ("POST", "/portal/sign-in", "/portal/sign-in?https=1"),
    ],
)
def test_over_plain_http_people_are_sent_to_the_public_url(
    secure: str, method: str, path: str, to: str
) -> None:
    status, headers = sent(secure, method, path)
    assert (status, headers["Location"]) == (303, f"https://gateway.example{to}")


def test_nobody_is_sent_round_in_circles(secure: str) -> None:
    """A proxy that ends TLS, but is not trusted, makes every request look plain."""
    assert sent(secure, "GET", "/portal/sign-in?https=1")[0] == 200
    assert sent(secure, "GET", "/portal/sign-in", Cookie="__Secure-gatepost-form=x")[0] == 200


def sent(base: str, method: str, path: str, **headers: str) -> tuple[int, HTTPMessage]:
    connection = HTTPConnection(urlsplit(base).netloc, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.msg
    finally:
        connection.close()


def test_switched_off_it_is_not_there(start: Callable[..., Running]) -> None:
    url = start(portal={"enabled": False}).http
    status, problem = call(url, "/portal/sign-in")
    assert (status, problem["code"]) == (404, "404")


def test_without_the_store_a_page_says_so_and_nothing_is_half_done(
    start: Callable[..., Running], own_valkey: Valkey
) -> None:
    reader = Reader(start(own_valkey.url).http)
    assert reader.sign_in(ADMIN, PASSWORD).status == 200
    new = reader.open("/portal/applications/new")
    own_valkey.kill()
    for told in (new.submit("/new", name="Lost"), reader.open("/portal/applications")):
        assert told.status == 503
        assert "The store can't be reached" in told.words
        assert "Nothing was changed." in told.words
        assert int(told.headers["Retry-After"]) >= 1
    own_valkey.start()


def test_a_page_with_all_that_it_needs_weighs_less_than_100_kib(developer: Reader) -> None:
    _, keys = developer.keys()
    statics = [developer.open(f"/portal/static/{name}") for name in ("portal.css", "portal.js", "icon.svg")]
    assert sum(len(sheet.body) for sheet in (keys, *statics)) < 50 * 1024
    assert len(gzip.compress(keys.body)) < 10 * 1024


def test_nothing_on_a_page_needs_an_inline_script_or_style(developer: Reader) -> None:
    _, keys = developer.keys()
    for sheet in (keys, developer.open("/portal/apis"), developer.open("/portal/applications")):
        assert "<script>" not in sheet.html
        assert " style=" not in sheet.html
        assert " on" + "click" not in sheet.html
