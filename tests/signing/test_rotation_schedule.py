import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.signing.rotation_schedule import (
    CLOCK_MARGIN,
    KeyRecord,
    Records,
    RotationRefused,
    first,
    published,
    rotated,
    signing,
    waiting,
)

LEAD, LONGEST = 600, 86_400


def key(name: str) -> KeyRecord:
    return KeyRecord(name, "ES256", "PEM", 0)


def kids(records: Records) -> list[str]:
    return [record.kid for record in records]


def signer(records: Records, now: float) -> str | None:
    found = signing(records, now)
    return found.kid if found else None


def test_the_first_key_signs_at_once() -> None:
    records = first(key("a"), 1000.5)
    assert signer(records, 1000.5) == "a"
    assert waiting(records, 1000.5) is None


def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_last_token_ends() -> None:
    records = rotated(first(key("a"), 1000), key("b"), 2000, lead=LEAD, longest=LONGEST)
    assert (kids(published(records, 2000)), signer(records, 2000)) == (["a", "b"], "a")
    assert signer(records, 2599.9) == "a"
    assert signer(records, 2600) == "b"
    assert kids(published(records, 2600 + LONGEST)) == ["a", "b"]
    assert kids(published(records, 2600 + LONGEST + CLOCK_MARGIN)) == ["b"]


def test_keys_are_not_rotated_while_one_waits() -> None:
    records = rotated(first(key("a"), 1000), key("b"), 2000, lead=LEAD, longest=LONGEST)
    with pytest.raises(RotationRefused, match="signs in 501 seconds"):
        rotated(records, key("c"), 2100, lead=LEAD, longest=LONGEST)
    assert kids(rotated(records, key("c"), 2600, lead=LEAD, longest=LONGEST)) == ["a", "b", "c"]


def test_keys_that_have_ended_are_dropped() -> None:
    records = rotated(first(key("a"), 1000), key("b"), 2000, lead=LEAD, longest=LONGEST)
    later = 2600 + LONGEST + CLOCK_MARGIN
    assert kids(rotated(records, key("c"), later, lead=LEAD, longest=LONGEST)) == ["b", "c"]


def test_a_clock_that_was_ahead_and_is_put_back_replaces_no_key() -> None:
    """The key was made while the clock was an hour ahead: it signs, and stays published."""
    records = first(key("a"), 1000 + 3600)
    assert signer(records, 1000) == "a"
    assert waiting(records, 1000) is None
    assert kids(rotated(records, key("b"), 1000, lead=LEAD, longest=LONGEST)) == ["a", "b"]


def test_a_rotation_under_a_clock_that_was_ahead_is_made_good_by_the_next_one() -> None:
    ahead = rotated(first(key("a"), 1000), key("b"), 2000 + 10 * LONGEST, lead=LEAD, longest=LONGEST)
    assert signer(ahead, 2000) == "a"
    records = rotated(ahead, key("c"), 2000, lead=LEAD, longest=LONGEST)
    assert kids(records) == ["a", "b"]
    assert (signer(records, 2000 + LEAD - 1), signer(records, 2000 + LEAD)) == ("a", "b")
    assert kids(published(records, 2000 + LEAD + LONGEST)) == ["a", "b"]
    assert kids(published(records, 2000 + LEAD + LONGEST + CLOCK_MARGIN)) == ["b"]


@example([(0, True), (-86_400, True), (87_060, False), (600, False)])
@given(st.lists(st.tuples(st.integers(-200_000, 200_000), st.booleans()), max_size=12))
def test_steps_of_the_clock_never_take_the_only_key_away(steps: list[tuple[int, bool]]) -> None:
    """However the clock is stepped, and whether or not keys are rotated meanwhile, one key signs."""
    records, now = first(key("0"), 1_000_000), 1_000_000
    for number, (step, rotates) in enumerate(steps, start=1):
        now += step
        assert signing(records, now) is not None
        if rotates:
            with contextlib.suppress(RotationRefused):
                records = rotated(records, key(str(number)), now, lead=LEAD, longest=LONGEST)
    assert signing(records, now) in published(records, now)


def test_where_no_key_signs_the_new_one_does() -> None:
    assert signer(rotated((), key("a"), 5, lead=LEAD, longest=LONGEST), 5) == "a"


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=12), st.integers(0, 3000))
def test_there_is_no_moment_at_which_a_live_token_has_no_published_key(gaps: list[int], probe: int) -> None:
    """Whoever has read the keys within the lead knows the key of every token that is made."""
    now, records, history = 1000, first(key("0"), 1000), []
    for number, gap in enumerate(gaps, start=1):
        history.append((now, records))
        now += gap
        if waiting(records, now) is None:
            records = rotated(records, key(str(number)), now, lead=LEAD, longest=LONGEST)
    history.append((now, records))
    at = now + probe
    made_with = signer(records, at)
    assert made_with in kids(published(records, at + LONGEST))
    seen = max((entry for entry in history if entry[0] <= at - LEAD), default=history[0])[1]
    if at - LEAD >= 1000:
        assert made_with in kids(published(seen, at))


def test_a_record_shows_no_private_key() -> None:
    assert "PEM" not in repr(key("a"))
