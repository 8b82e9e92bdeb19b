"""Cached responses in a real store: bounded in number, and of no use in another's place."""

from __future__ import annotations

import secrets

from gateway.oauth.token_encryption import TokenCipher
from gateway.store import RedisConnection, ResponseCache
from gateway.store.key_names import KeyNames
from tests.conftest import Valkey


def cache(link: RedisConnection, prefix: str, key: bytes = b"k" * 32) -> ResponseCache:
    return ResponseCache(link, KeyNames(prefix), TokenCipher((key,), secrets.token_bytes))


async def test_what_is_kept_is_found_by_its_identity_until_it_ends(
    valkey: Valkey, link: RedisConnection, prefix: str
) -> None:
    responses = cache(link, prefix)
    await responses.put("use", 100, "a", b"\xffbody", 90)
    assert await responses.get("use", 100, "a") == b"\xffbody"
    assert await responses.get("other", 100, "a") is None
    (key,) = valkey.client.keys(f"{prefix}*")
    assert 70 <= valkey.client.ttl(key) <= 90
    assert b"body" not in (valkey.client.get(key) or b"")


async def test_there_are_never_more_than_so_many(valkey: Valkey, link: RedisConnection, prefix: str) -> None:
    responses = cache(link, prefix)
    for number in range(50):
        await responses.put("use", 3, str(number), b"a", 90)
        await responses.invalidate(3, str(number), 90)
    assert len(valkey.client.keys(f"{prefix}*")) <= 6


async def test_a_value_in_anothers_place_or_of_another_key_is_none(
    link: RedisConnection, prefix: str
) -> None:
    responses = cache(link, prefix)
    await responses.put("use", 1, "a", b"of a", 90)
    assert await responses.get("use", 1, "b") is None, "the same place, another identity"
    assert await cache(link, prefix, b"x" * 32).get("use", 1, "a") is None
    assert await responses.get("use", 1, "a") == b"of a"


async def test_a_uri_has_another_generation_after_it_became_void(link: RedisConnection, prefix: str) -> None:
    responses = cache(link, prefix)
    found = [await responses.generation(100, "a")]
    for _ in range(2):
        await responses.invalidate(100, "a", 90)
        found.append(await responses.generation(100, "a"))
    assert len(set(found)) == 3
