from gateway.issuers.remembered import Remembered
from gateway.issuers.rules import facts_of
from tests.issuers.scripted import CLAIMS, NOW, RULES
from tests.services import Clock

FACTS = facts_of(CLAIMS, RULES, NOW)


def test_facts_are_kept_until_their_time_is_over() -> None:
    clock = Clock()
    kept = Remembered(clock)
    kept.keep("one", FACTS, clock.now + 10)
    kept.keep_bad("two", clock.now + 5)
    assert kept.facts("one") == FACTS
    assert kept.is_bad("two")
    assert kept.facts("two") is None
    clock.now += 5
    assert not kept.is_bad("two")
    clock.now += 5
    assert kept.facts("one") is None


def test_it_does_not_grow_past_its_limit() -> None:
    clock = Clock()
    kept = Remembered(clock, limit=3)
    for number in range(10):
        kept.keep(str(number), FACTS, clock.now + 10)
        kept.keep_bad(str(number), clock.now + 10)
    assert [kept.facts(str(number)) is not None for number in range(10)] == [False] * 7 + [True] * 3
    assert [kept.is_bad(str(number)) for number in range(10)] == [False] * 7 + [True] * 3


def test_all_of_it_can_be_forgotten() -> None:
    clock = Clock()
    kept = Remembered(clock)
    kept.keep("one", FACTS, clock.now + 10)
    kept.keep_bad("two", clock.now + 10)
    kept.forget()
    assert kept.facts("one") is None
    assert not kept.is_bad("two")
