from gateway.store.user_ids import new_user_id


def test_an_id_says_where_its_user_is_registered_and_is_never_the_same() -> None:
    ids = [new_user_id("store") for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(one.startswith("store:") for one in ids)
