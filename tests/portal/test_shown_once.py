"""What is shown once stays readable for one user, on one page, and for nobody else."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.oauth.token_encryption import TokenCipher
from gateway.portal.shown_once import ShownOnce

PAGE = "/portal/applications/7/production"


def shown_once(key: bytes = b"k" * 32, *, secure: bool = True) -> ShownOnce:
    return ShownOnce(TokenCipher([key], lambda size: b"n" * size), secure=secure)


def cookie_of(response: web.Response) -> str:
    (morsel,) = SimpleCookie({name: one.OutputString() for name, one in response.cookies.items()}).values()
    return str(response.cookies[morsel.key].value)


def request(value: str, name: str = "__Secure-gatepost-shown-secret") -> web.Request:
    return make_mocked_request("GET", PAGE, headers={"Cookie": f"{name}={value}"})


def test_it_is_read_by_the_same_user_on_the_same_page_alone() -> None:
    response = web.Response()
    assert shown_once().keep(response, "secret", "ann", PAGE, {"secret": "gps_1"})
    value = cookie_of(response)
    assert "gps_1" not in value
    assert shown_once().read(request(value), "secret", "ann", PAGE) == {"secret": "gps_1"}
    assert shown_once().read(request(value), "secret", "bob", PAGE) is None
    assert shown_once().read(request(value), "secret", "ann", PAGE + "2") is None
    assert shown_once(b"o" * 32).read(request(value), "secret", "ann", PAGE) is None


@pytest.mark.parametrize("value", ["", "a", "====", "AAAA", "é", "A" * 3801])
def test_what_somebody_made_up_is_nothing(value: str) -> None:
    assert shown_once().read(request(value), "secret", "ann", PAGE) is None


def test_the_cookie_is_for_its_page_and_not_for_scripts() -> None:
    response = web.Response()
    shown_once().keep(response, "secret", "ann", PAGE, {"secret": "gps_1"})
    (morsel,) = response.cookies.values()
    assert (morsel["path"], morsel["secure"], morsel["httponly"]) == (PAGE, True, True)
    assert morsel["samesite"] == "Strict"


def test_what_is_too_long_for_a_browser_is_not_kept() -> None:
    response = web.Response()
    assert not shown_once().keep(response, "token", "ann", PAGE, {"access_token": "x" * 4000})
    assert not response.cookies


def test_what_is_stored_is_taken_from_the_browser() -> None:
    response = web.Response()
    shown_once(secure=False).forget(response, "secret", PAGE)
    (morsel,) = response.cookies.values()
    assert (morsel.key, morsel.value, morsel["max-age"]) == ("gatepost-shown-secret", "", "0")
