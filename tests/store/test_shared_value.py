from gateway.store import Store


async def test_a_value_is_swapped_only_by_who_knows_it(store: Store) -> None:
    noted: list[int] = []
    assert await store.signing_keys.get(lambda: noted.append(1)) is None
    assert await store.signing_keys.swap(None, b"one")
    assert not await store.signing_keys.swap(None, b"two")
    assert not await store.signing_keys.swap(b"other", b"two")
    assert await store.signing_keys.swap(b"one", b"\x00two")
    assert await store.signing_keys.get(lambda: noted.append(2)) == b"\x00two"
    assert noted == [1, 2]
