import pytest

from gateway.oauth.values import TokenFacts
from gateway.tokens.cache import TokenCache
from tests.services import Clock


def facts(client: str = "demo") -> TokenFacts:
    return TokenFacts(client, ("a",), (), client, 0, 2**40, "client_credentials")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> TokenCache:
    made = TokenCache("gatepost:", clock, limit=3)
    made.up()
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
    cache.push([b"invalidate", [b"gatepost:t:h-one", b"gatepost:t:unknown", b"other"]])
    assert cache.get("one") is None
    assert cache.get("two")


def test_all_tokens_of_a_client_are_forgotten_with_its_generation(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts("a"), 10.0)
    cache.put("two", "h-two", facts("a"), 10.0)
    cache.put("three", "h-three", facts("b"), 10.0)
    cache.push([b"invalidate", [b"gatepost:g:a"]])
    assert (cache.get("one"), cache.get("two")) == (None, None)
    assert cache.get("three")


def test_everything_is_forgotten_when_the_store_is_flushed(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts(), 10.0)
    cache.push([b"invalidate", None])
    assert cache.size == 0


def test_nothing_is_known_while_changes_cannot_be_heard(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts(), 10.0)
    cache.down()
    assert cache.get("one") is None
    cache.put("one", "h-one", facts(), 10.0)
    assert cache.get("one") is None
    cache.up()
    cache.put("one", "h-one", facts(), 10.0)
    assert cache.get("one")


def test_it_does_not_grow_past_its_limit(cache: TokenCache) -> None:
    for number in range(100):
        cache.put(str(number), f"h-{number}", facts(str(number)), 10.0)
    assert cache.size == 3
    assert cache.get("99")
    assert len(cache._by_client) == 3


def test_other_messages_are_not_for_it(cache: TokenCache) -> None:
    cache.put("one", "h-one", facts(), 10.0)
    cache.push([b"message", [b"gatepost:t:h-one"]])
    assert cache.get("one")
