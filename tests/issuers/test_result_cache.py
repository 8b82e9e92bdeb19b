from gateway.issuers.result_cache import ResultCache
from gateway.issuers.rules import facts_of
from tests.issuers.scripted import CLAIMS, NOW, RULES
from tests.services import Clock

FACTS = facts_of(CLAIMS, RULES, NOW)


def test_facts_are_kept_until_their_time_is_over() -> None:
    clock = Clock()
    kept = ResultCache(clock)
    kept.put("one", FACTS, clock.now + 10)
    kept.put_refused("two", clock.now + 5, "expired")
    assert kept.get("one") == FACTS
    assert kept.is_refused("two")
    assert kept.get("two") is None
    clock.now += 5
    assert not kept.is_refused("two")
    clock.now += 5
    assert kept.get("one") is None


def test_it_does_not_grow_past_its_limit() -> None:
    clock = Clock()
    kept = ResultCache(clock, limit=3)
    for number in range(10):
        kept.put(str(number), FACTS, clock.now + 10)
        kept.put_refused(str(number), clock.now + 10, "expired")
    assert [kept.get(str(number)) is not None for number in range(10)] == [False] * 7 + [True] * 3
    assert [kept.is_refused(str(number)) for number in range(10)] == [False] * 7 + [True] * 3


def test_all_of_it_can_be_forgotten() -> None:
    clock = Clock()
    kept = ResultCache(clock)
    kept.put("one", FACTS, clock.now + 10)
    kept.put_refused("two", clock.now + 10, "expired")
    kept.forget()
    assert kept.get("one") is None
    assert not kept.is_refused("two")


def test_a_long_token_is_found_like_a_short_one() -> None:
    clock = Clock()
    kept = ResultCache(clock)
    long, other = "a" * 4_000, "a" * 3_999
    kept.put(long, FACTS, clock.now + 10)
    kept.put_refused(other, clock.now + 5, "expired")
    assert (kept.get(long), kept.get(other)) == (FACTS, None)
    assert (kept.is_refused(long), kept.is_refused(other)) == (False, True)
    clock.now += 10
    assert (kept.get(long), kept.is_refused(other)) == (None, False)
