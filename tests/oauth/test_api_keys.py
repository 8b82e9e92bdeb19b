"""API keys of clients in the store: their form, and when they are live."""

import hashlib
import re
import secrets
from dataclasses import replace

import pytest

from gateway.oauth.api_keys import SHOWN, client_of_key, held_key, new_api_key
from gateway.oauth.model import Client, Secret

TEXT = new_api_key("shop", secrets.token_bytes)
KEY = Secret(hashlib.sha256(TEXT.encode()).digest(), prefix=TEXT[:SHOWN])
SHOP = Client("shop", source="store", api_keys=(Secret(b"x" * 32), KEY))


@pytest.mark.parametrize("client_id", ["a", "shop", "Würfel & Söhne", "x" * 255, "a_b-c"])
def test_a_key_says_whose_it_is_in_characters_that_headers_carry(client_id: str) -> None:
    text = new_api_key(client_id, secrets.token_bytes)
    assert re.fullmatch("gpk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}_[A-Za-z0-9_-]+", text)
    assert client_of_key(text.encode()) == client_id
    assert new_api_key(client_id, secrets.token_bytes)[:SHOWN] != text[:SHOWN]


@pytest.mark.parametrize(
    "key",
    [b"", b"gpk_", TEXT[:-5].encode(), b"gpk_" + b"a" * 500, b"gps_" + TEXT[4:].encode(), b"\xff" * 80],
    ids=["empty", "prefix", "cut", "long", "secret", "binary"],
)
def test_what_is_no_key_is_nobodys(key: bytes) -> None:
    assert client_of_key(key) in (None, "")
    assert held_key(SHOP, key, 0) is None


def test_a_live_key_is_its_clients() -> None:
    held = held_key(SHOP, TEXT.encode(), 0)
    assert held is not None
    assert (held.client, held.key) == (SHOP, KEY)


def test_a_wrong_or_ended_key_and_one_of_another_client_are_not_live() -> None:
    key = TEXT.encode()
    ended = replace(SHOP, api_keys=(replace(KEY, expires=100),))
    assert held_key(ended, key, 99) is not None
    assert held_key(ended, key, 100) is None
    assert held_key(SHOP, key + b"x", 0) is None
    other = b"y" if key[20:21] == b"x" else b"x"
    assert held_key(SHOP, key[:20] + other + key[21:], 0) is None
    assert held_key(replace(SHOP, api_keys=()), key, 0) is None
    assert held_key(replace(SHOP, enabled=False), key, 0) is None
    assert held_key(replace(SHOP, source="file"), key, 0) is None
    assert held_key(None, key, 0) is None
