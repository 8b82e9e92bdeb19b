"""The last calls and the counts of clients: bounded, and gone some day."""

from __future__ import annotations

from gateway.store import Store
from gateway.store.calls import DAY, DAYS, MOST_KINDS, CallCount, CallKind, RecentCall

NOW = 1_800_000_000
TODAY = NOW // DAY
OK = CallKind("/orders", 200, "")
LIMITED = CallKind("/a b", 429, "900800")


def a_call(number: int, request_id: str = "") -> RecentCall:
    return RecentCall(NOW + number, "GET", "/orders", 200, "", 0.0123, request_id or f"id-{number}")


async def test_the_last_calls_are_kept_newest_first(store: Store) -> None:
    await store.calls.write("c1", [a_call(1), a_call(4)], {}, NOW, 3)
    await store.calls.write("c1", [a_call(2), a_call(3)], {}, NOW, 3)
    assert await store.calls.last("c1", 100) == [a_call(4), a_call(3), a_call(2)]
    assert await store.calls.last("c1", 1) == [a_call(3)]
    assert await store.calls.last("c2", 100) == []


async def test_a_batch_that_was_written_twice_is_read_once(store: Store) -> None:
    for _ in range(2):
        await store.calls.write("c1", [a_call(1)], {}, NOW, 10)
    assert await store.calls.last("c1", 100) == [a_call(1)]


async def test_what_is_no_call_is_left_out(store: Store) -> None:
    for text in ("", "[]", "x", '{"a": 1}', "[1,2,3,null,5,6,7]", '["a","b","c","d","e","f","g"]'):
        await store.link.execute("XADD", store.names.last_calls("c1"), "*", "call", text)
    assert await store.calls.last("c1", 100) == []


async def test_long_texts_of_callers_are_shortened(store: Store) -> None:
    await store.calls.write("c1", [a_call(1, "x" * 5000)._replace(method="M" * 5000)], {}, NOW, 10)
    (found,) = await store.calls.last("c1", 100)
    assert (len(found.request_id), len(found.method)) == (200, 200)


async def test_counts_are_added_by_day_and_kind(store: Store) -> None:
    await store.calls.write("c1", [], {OK: 2, LIMITED: 1}, NOW, 0)
    await store.calls.write("c1", [], {OK: 3}, NOW, 0)
    await store.calls.write("c1", [], {OK: 1}, NOW + DAY, 0)
    assert await store.calls.counts("c1", NOW + DAY) == [
        CallCount(TODAY, LIMITED, 1),
        CallCount(TODAY, OK, 5),
        CallCount(TODAY + 1, OK, 1),
    ]
    assert await store.calls.last("c1", 100) == []


async def test_old_days_go(store: Store) -> None:
    await store.calls.write("c1", [], {OK: 2}, NOW, 0)
    later = NOW + DAYS * DAY
    assert await store.calls.counts("c1", later) == []
    await store.calls.write("c1", [], {LIMITED: 1}, later, 0)
    assert await store.calls.counts("c1", NOW) == [CallCount(TODAY + DAYS, LIMITED, 1)]
    assert await store.link.execute("HLEN", store.names.call_counts("c1")) == 2


async def test_kinds_beyond_the_bound_are_counted_together(store: Store) -> None:
    many = {CallKind(f"/{number}", 200, ""): 1 for number in range(MOST_KINDS + 5)}
    await store.calls.write("c1", [], many, NOW, 0)
    found = await store.calls.counts("c1", NOW)
    assert sum(one.number for one in found) == MOST_KINDS + 5
    assert CallCount(TODAY, CallKind("other", 0, ""), 5) in found


async def test_both_have_an_end(store: Store) -> None:
    await store.calls.write("c1", [a_call(1)], {OK: 1}, NOW, 10)
    for key in (store.names.last_calls("c1"), store.names.call_counts("c1")):
        assert await store.link.execute("PTTL", key) > 0
