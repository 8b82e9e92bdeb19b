import gc
import hashlib
from types import FunctionType, ModuleType

import pytest

from gateway.oauth.model import TokenInfo
from gateway.store.key_names import KeyNames
from gateway.tokens.token_cache import MAX_KEY_LENGTH, TokenCache, token_key
from tests.services import Clock


def facts(client: str = "demo") -> TokenInfo:
    return TokenInfo(client, ("a",), (), client, 0, 2**40, "client_credentials")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> TokenCache:
    made = TokenCache(KeyNames("gatepost:"), clock, limit=3)
    made.on_tracking_on()
    return made


def test_facts_are_known_until_the_token_ends(cache: TokenCache, clock: Clock) -> None:
    cache.put("one", "h-one", facts(), 10.0)
    clock.now += 9.999
    assert cache.get("one") == facts()
    clock.now += 0.001
    assert cache.get("one") is None
    assert cache.size == 0


def test_a_changed_token_is_forgotten(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts(), 10.0)
    cache.put("two", "h-two", facts(), 10.0)
    cache.on_invalidate([b"invalidate", [b"gatepost:t:h-one", b"gatepost:t:unknown", b"other"]])
    assert cache.get("one") is None
    assert cache.get("two")


def test_all_tokens_of_a_client_are_forgotten_with_its_generation(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts("a"), 10.0)
    cache.put("two", "h-two", facts("a"), 10.0)
    cache.put("three", "h-three", facts("b"), 10.0)
    cache.on_invalidate([b"invalidate", [b"gatepost:g:a"]])
    assert (cache.get("one"), cache.get("two")) == (None, None)
    assert cache.get("three")


def test_everything_is_forgotten_when_the_store_is_flushed(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts(), 10.0)
    cache.on_invalidate([b"invalidate", None])
    assert cache.size == 0


def test_nothing_is_known_while_changes_cannot_be_heard(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts(), 10.0)
    cache.on_tracking_off()
    assert cache.get("one") is None
    cache.put("one", "h-one", facts(), 10.0)
    assert cache.get("one") is None
    cache.on_tracking_on()
    cache.put("one", "h-one", facts(), 10.0)
    assert cache.get("one")


def test_it_does_not_grow_past_its_limit(cache: TokenCache) -> None:
    for number in range(100):
        cache.put(str(number), f"h-{number}", facts(str(number)), 10.0)
    assert cache.size == 3
    assert cache.get("99")
    assert len(cache._by_generation) == 3


def test_other_messages_are_not_for_it(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts(), 10.0)
    cache.on_invalidate([b"message", [b"gatepost:t:h-one"]])
    assert cache.get("one")


def test_a_short_token_is_its_own_key_and_a_long_one_is_known_by_its_hash() -> None:
    short, long = "a" * MAX_KEY_LENGTH, "a" * (MAX_KEY_LENGTH + 1)
    assert token_key(short) == short
    assert token_key(long) == hashlib.sha256(long.encode()).digest()
    assert token_key(long + "a") != token_key(long)


def test_a_long_token_is_found_and_forgotten_like_a_short_one(cache: TokenCache) -> None:
    long = "a" * 4_000
    cache.put(long, "h-long", facts("a"), 10.0)
    assert cache.get(long) == facts("a")
    assert cache.get(long[:-1]) is None
    cache.on_invalidate([b"invalidate", [b"gatepost:t:h-long"]])
    assert cache.get(long) is None
    cache.put(long, "h-long", facts("a"), 10.0)
    cache.on_invalidate([b"invalidate", [b"gatepost:g:a"]])
    assert cache.get(long) is None


def test_the_text_of_a_long_token_is_not_kept(cache: TokenCache) -> None:
    long = "a" * 4_000
    cache.put(long, "h-long", facts(), 10.0)
    assert long not in gc_reachable(cache)


def gc_reachable(found: object) -> set[str]:
    """The texts that an object refers to, directly or not."""
    seen, texts, todo = set[int](), set[str](), [found]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            texts.add(one)
        todo += gc.get_referents(one)
    return texts


def test_the_oldest_tokens_make_room_when_their_bytes_are_used_up(clock: Clock) -> None:
    made = TokenCache(KeyNames("gatepost:"), clock, limit=1_000, most_bytes=20_000)
    made.on_tracking_on()
    for number in range(100):
        made.put(str(number), f"h-{number}", facts(str(number)), 10.0)
    size = made.size
    assert 3 < size < 20
    assert made.get("99")
    for number in range(100):
        made.forget(f"h-{number}")
    for number in range(100):
        made.put(str(number), f"h-{number}", facts("same"), 10.0)
    # Tokens of one client share what belongs to the client.
    assert size < made.size < 25
