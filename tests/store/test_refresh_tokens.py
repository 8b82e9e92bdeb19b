from dataclasses import replace

import pytest

from gateway.store import ClientMissing, RefreshDraft, Store, closed_generation, refresh_tokens
from tests.conftest import Valkey
from tests.store.test_tokens import FACTS, draft

KEPT = replace(FACTS, grant="password", user="Ada", subject="Ada", user_id="store:1", user_generation="1")


@pytest.fixture(autouse=True)
async def ada(store: Store, prefix: str) -> None:
    """The user whose tokens these are."""
    await store.link.execute("SET", f"{prefix}ug:store:1", "1 Ada")


async def access(store: Store) -> str:
    """An access token that is live."""
    new = draft()
    await store.tokens.issue(new)
    return new.hash


def refresh(name: str, hash: str, **change: object) -> RefreshDraft:  # noqa: A002 (the field's own word)
    return replace(RefreshDraft("family", hash, KEPT, 600, name), **change)  # type: ignore[arg-type]  # by name


async def begun(store: Store) -> str:
    name = await access(store)
    await store.refresh_tokens.begin(refresh(name, "first"))
    return name


async def live(store: Store, name: str) -> bool:
    return await store.tokens.facts(name) is not None


async def test_a_family_is_known_by_its_newest_token_and_has_its_ttl(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    await begun(store)
    found = await store.refresh_tokens.find("family")
    assert found is not None
    assert (found.current, found.facts) == ("first", KEPT)
    assert await store.refresh_tokens.find("other") is None
    with valkey.client as other:
        assert 590 <= other.ttl(f"{prefix}r:family") <= 600


async def test_the_next_token_takes_the_place_of_the_one_before(store: Store) -> None:
    first, second = await begun(store), await access(store)
    assert await store.refresh_tokens.rotate("first", refresh(second, "second"))
    found = await store.refresh_tokens.find("family")
    assert found is not None
    assert found.current == "second"
    assert await live(store, first)
    assert await live(store, second)


async def test_whoever_comes_with_an_older_one_ends_them_all(store: Store) -> None:
    names = [await begun(store)]
    for before, hash in (("first", "second"), ("first", "third")):  # noqa: A001 (the field's own word)
        names.append(await access(store))
        done = await store.refresh_tokens.rotate(before, refresh(names[-1], hash))
    assert not done
    assert await store.refresh_tokens.find("family") is None
    assert [await live(store, name) for name in names] == [False] * 3


async def test_its_end_tells_what_ended_with_it(store: Store) -> None:
    first = await begun(store)
    assert await store.refresh_tokens.end("family") == [first]
    assert not await live(store, first)
    assert await store.refresh_tokens.end("family") == []


async def test_it_has_no_more_access_tokens_than_it_may(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh_tokens, "MOST_ACCESS", 2)
    names = [await begun(store)]
    for before, after in (("first", "second"), ("second", "third")):
        names.append(await access(store))
        assert await store.refresh_tokens.rotate(before, refresh(names[-1], after))
    assert [await live(store, name) for name in names] == [False, True, True]


async def test_it_ends_with_its_clients_tokens(store: Store) -> None:
    await begun(store)
    await store.tokens.revoke_all(KEPT.client)
    assert await store.refresh_tokens.find("family") is None


async def test_it_ends_with_its_users_generation(store: Store, prefix: str) -> None:
    await begun(store)
    await store.link.execute("SET", f"{prefix}ug:store:1", "2 Ada")
    assert await store.refresh_tokens.find("family") is None


async def test_none_begins_with_an_access_token_that_has_ended(store: Store) -> None:
    name = await access(store)
    await store.tokens.revoke_all(KEPT.client)
    await access(store)
    with pytest.raises(ClientMissing):
        await store.refresh_tokens.begin(refresh(name, "first"))


@pytest.mark.parametrize("generation", [None, closed_generation()], ids=["gone", "switched off"])
async def test_none_begins_for_a_client_without_tokens(
    store: Store, valkey: Valkey, prefix: str, generation: str | None
) -> None:
    if generation is not None:
        with valkey.client as other:
            other.set(f"{prefix}g:{KEPT.client}", generation)
    with pytest.raises(ClientMissing):
        await store.refresh_tokens.begin(refresh("name", "first"))


@pytest.mark.parametrize("record", [b"", b"{", b"7", b'{"client": 5}', b'{"client": "demo"}'])
async def test_a_record_that_is_not_ours_is_no_family(
    store: Store, valkey: Valkey, prefix: str, record: bytes
) -> None:
    await begun(store)
    with valkey.client as other:
        other.hset(f"{prefix}r:family", "record", record)
    assert await store.refresh_tokens.find("family") is None
