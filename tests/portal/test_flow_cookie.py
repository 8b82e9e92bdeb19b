"""The cookie that binds a sign-in at a provider to one browser."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.oauth.oidc import FLOW_LIFETIME, SignInFlow
from gateway.oauth.token_encryption import TokenCipher
from gateway.portal.flow_cookie import FlowCookie

FLOW = SignInFlow("state", "nonce", "verifier", 1, "/portal/apis")


def cookie(key: bytes = b"k" * 32, *, secure: bool = True) -> FlowCookie:
    return FlowCookie(TokenCipher([key], lambda count: b"n" * count), secure=secure)


def given(one: FlowCookie) -> Any:
    response = web.Response()
    one.give(response, FLOW)
    (morsel,) = response.cookies.values()
    return morsel


def read(one: FlowCookie, name: str, value: str) -> SignInFlow | None:
    return one.read(make_mocked_request("GET", "/", headers={"Cookie": f"{name}={value}"}))


def test_the_cookie_is_the_host_s_own_and_short_lived() -> None:
    morsel = given(cookie())
    assert morsel.key == "__Host-gatepost-sign-in"
    assert (morsel["path"], morsel["domain"], morsel["secure"]) == ("/", "", True)
    assert (morsel["httponly"], morsel["samesite"], morsel["max-age"]) == (True, "Lax", str(FLOW_LIFETIME))
    assert "state" not in morsel.value
    plain = given(cookie(secure=False))
    assert (plain.key, bool(plain["secure"])) == ("gatepost-sign-in", False)


def test_only_what_was_given_is_read() -> None:
    morsel = given(cookie())
    assert read(cookie(), morsel.key, morsel.value) == FLOW
    assert read(cookie(b"o" * 32), morsel.key, morsel.value) is None
    assert read(cookie(), "gatepost-sign-in", morsel.value) is None


@pytest.mark.parametrize("value", ["", "a", "abcde", "a" * 5000, "=", "YWJj"])
def test_what_is_none_is_not_read(value: str) -> None:
    assert read(cookie(), "__Host-gatepost-sign-in", value) is None


def test_it_is_taken_from_the_browser() -> None:
    response = web.Response()
    cookie().forget(response)
    (morsel,) = response.cookies.values()
    assert (morsel.value, morsel["max-age"], morsel["path"]) == ("", "0", "/")
