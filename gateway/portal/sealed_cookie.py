"""Values of cookies that only the gateway can read or make."""

from __future__ import annotations

import base64
import re

from aiohttp import web

from gateway.oauth.token_encryption import TokenCipher

LONGEST = 3800
"""Characters of a cookie's value. RFC 6265 section 6.1: browsers take 4096 bytes with name and attributes."""
_VALUE = re.compile(r"[A-Za-z0-9_-]{1,3800}={0,2}")


def seal_value(cipher: TokenCipher, text: str, slot: str) -> str:
    """The text, encrypted for one use, as a cookie's value. It may be longer than `LONGEST`."""
    return base64.urlsafe_b64encode(cipher.seal(text, slot)).decode()


def open_value(cipher: TokenCipher, value: str, slot: str) -> str | None:
    """The text in a value of `seal_value` for the same use; None: it is none."""
    if not _VALUE.fullmatch(value):
        return None
    try:
        sealed = base64.urlsafe_b64decode(value)
    except ValueError:
        return None
    return cipher.open(sealed, slot)


def cookie_named(kind: str, *, secure: bool) -> str:
    """What the cookie of one use is called. The prefix keeps plain-HTTP pages of the host from setting it."""
    return f"{'__Secure-' if secure else ''}gatepost-{kind}"


def give_cookie(
    response: web.StreamResponse, name: str, value: str, *, path: str, seconds: int | None, secure: bool
) -> None:
    """Has the browser keep it, for our pages alone. `seconds`: 0 takes it away; None: until it closes."""
    response.set_cookie(
        name, value, path=path, max_age=seconds, secure=secure, httponly=True, samesite="Strict"
    )
