"""Tokens of a client that is disabled while others ask for them."""

import hashlib
from dataclasses import replace

import pytest

from gateway.oauth.model import Client, Secret
from gateway.store import ClientMissing, Store
from tests.store.test_tokens import FACTS, draft

KEPT = replace(FACTS, client="kept", source="store")


async def switch(store: Store, *, on: bool) -> None:
    await store.clients.update("kept", lambda client: replace(client, enabled=on), end_tokens=True)


async def test_its_tokens_end_in_the_same_step_and_none_is_issued_any_more(store: Store) -> None:
    await store.clients.create(Client("kept", source="store"))
    live, late = draft(facts=KEPT), draft(facts=KEPT)
    await store.tokens.issue(live)
    await switch(store, on=False)
    assert await store.tokens.facts(live.hash) is None
    # Who was authenticated a moment before comes too late.
    with pytest.raises(ClientMissing):
        await store.tokens.issue(late)
    await store.tokens.revoke_all("kept")
    with pytest.raises(ClientMissing):
        await store.tokens.issue(late)


async def test_what_it_had_stays_dead_when_it_is_enabled(store: Store) -> None:
    await store.clients.create(Client("kept", source="store"))
    old, new = draft(facts=KEPT), draft(facts=KEPT)
    await store.tokens.issue(old)
    await switch(store, on=False)
    await switch(store, on=True)
    await store.tokens.issue(new)
    assert await store.tokens.facts(old.hash) is None
    assert await store.tokens.facts(new.hash) is not None


async def test_a_client_of_the_file_is_not_bound_by_its_namesake(store: Store) -> None:
    await store.clients.create(Client("kept", source="store"))
    await switch(store, on=False)
    own = draft(facts=replace(KEPT, source="file"))
    await store.tokens.issue(own)
    assert await store.tokens.facts(own.hash) is not None


def secret(text: str) -> Secret:
    return Secret(hashlib.sha256(text.encode()).digest())


async def test_who_was_authenticated_by_a_secret_that_is_no_more_comes_too_late(store: Store) -> None:
    await store.clients.create(Client("kept", secrets=(secret("old"),), source="store"))
    known = (secret("old").digest.hex(),)
    await store.tokens.issue(replace(draft(facts=KEPT), credentials=known))
    await store.clients.update(
        "kept", lambda client: replace(client, secrets=(secret("new"), *client.secrets))
    )
    await store.tokens.issue(replace(draft(facts=KEPT), credentials=known))
    await store.clients.update("kept", lambda client: replace(client, secrets=(secret("new"),)))
    with pytest.raises(ClientMissing):
        await store.tokens.issue(replace(draft(facts=KEPT), credentials=known))


async def test_a_client_that_is_disabled_stays_so_when_its_tokens_end_again(store: Store) -> None:
    await store.clients.create(Client("kept", source="store"))
    await switch(store, on=False)
    await store.clients.update("kept", lambda client: replace(client, name="renamed"), end_tokens=True)
    with pytest.raises(ClientMissing):
        await store.tokens.issue(draft(facts=KEPT))
