"""The copy of the audit log in the store: newest first, bounded, gone some day."""

from __future__ import annotations

from gateway.store import Store


async def test_entries_are_read_newest_first_and_on_from_a_place(store: Store) -> None:
    for number in range(5):
        await store.activity.add("one" if number % 2 else "", str(number))
    first = await store.activity.read("", 2)
    assert [one.text for one in first] == ["4", "3"]
    assert [one.text for one in await store.activity.read("", 9, before=first[-1].place)] == ["2", "1", "0"]
    assert [one.text for one in await store.activity.read("one", 9)] == ["3", "1"]
    assert await store.activity.read("two", 9) == []


async def test_entries_are_found_by_time(store: Store) -> None:
    await store.activity.add("", "now")
    now = float((await store.activity.read("", 1))[0].place.partition("-")[0]) / 1000
    assert len(await store.activity.read("", 9, since=now - 60, until=now + 60)) == 1
    assert await store.activity.read("", 9, since=now + 60) == []
    assert await store.activity.read("", 9, until=now - 60) == []


async def test_both_lists_have_an_end(store: Store) -> None:
    await store.activity.add("one", "1")
    for key in (store.names.activity, store.names.activity_of("one")):
        assert await store.link.execute("PTTL", key) > 0
