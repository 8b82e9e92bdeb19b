from gateway.runtime.caches import CacheBound
from gateway.runtime.recent_cache import RecentCache


def cache(entries: int, longest: int = 8) -> tuple[RecentCache[bytes], list[bytes]]:
    """A cache of upper case, and what it had to work out."""
    asked: list[bytes] = []

    def upper(key: bytes) -> bytes:
        asked.append(key)
        return key.upper()

    return RecentCache(CacheBound("x", "x", entries, longest, 1), upper), asked


def test_what_was_asked_for_is_found_without_the_function_and_without_a_call() -> None:
    upper, asked = cache(4)
    assert [upper(b"a"), upper(b"a")] == [b"A", b"A"]
    assert asked == [b"a"]
    assert upper.recent.get(b"a") == b"A"
    assert upper.recent.get(b"b") is None


def test_it_never_has_more_entries_than_its_bound() -> None:
    upper, _ = cache(10)
    for number in range(100):
        upper(b"%d" % number)
        assert len(upper.recent) + len(upper._older) + len(upper._leaving) <= 10


def test_what_is_asked_for_stays_whatever_else_comes() -> None:
    upper, asked = cache(10)
    for number in range(100):
        assert upper(b"often") == b"OFTEN"
        upper(b"%d" % number)
    assert asked.count(b"often") == 1
    assert upper(b"0") == b"0"
    assert asked.count(b"0") == 2, "what is not asked for makes room"


def test_a_long_key_is_not_kept() -> None:
    upper, asked = cache(4, longest=3)
    assert [upper(b"abcd"), upper(b"abcd")] == [b"ABCD", b"ABCD"]
    assert asked == [b"abcd", b"abcd"]
    assert not upper.recent


def test_what_makes_room_goes_one_by_one() -> None:
    upper, _ = cache(300)
    kept = 0
    for number in range(1_000):
        upper(b"%d" % number)
        kept, before = len(upper.recent) + len(upper._older) + len(upper._leaving), kept
        assert kept >= before - 1
