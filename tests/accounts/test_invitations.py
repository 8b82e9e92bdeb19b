"""Invitations: each makes one account, within its time."""

from __future__ import annotations

import asyncio
import secrets

from gateway.accounts.invitations import LIFETIME, Invitations, invitation_link
from gateway.store import Store
from tests.conftest import Valkey


async def test_an_invitation_is_open_until_somebody_takes_it(store: Store) -> None:
    invitations = Invitations(store.invitations, secrets.token_bytes)
    code = await invitations.create()
    assert await invitations.is_open(code)
    taken = await asyncio.gather(*(invitations.take(code) for _ in range(5)))
    assert sorted(taken)[:4] == [0] * 4
    assert LIFETIME - 60 < max(taken) <= LIFETIME
    assert not await invitations.is_open(code)


async def test_one_whose_account_could_not_be_made_is_open_again_for_the_time_it_had(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    invitations = Invitations(store.invitations, secrets.token_bytes)
    code = await invitations.create()
    await invitations.take(code)
    await invitations.give_back(code, 1000)
    with valkey.client as client:
        (key,) = client.scan_iter(f"{prefix}i:*")
        assert 0 < client.ttl(key) <= 1000
    assert await invitations.is_open(code)


async def test_what_can_not_be_ours_or_was_written_by_others_is_not_open(
    store: Store, valkey: Valkey, prefix: str
) -> None:
    invitations = Invitations(store.invitations, secrets.token_bytes)
    code = await invitations.create()
    with valkey.client as client:
        (key,) = client.scan_iter(f"{prefix}i:*")
        assert code not in key.decode()
        client.set(key, "{}")
    for wrong in ("", "x", "A" * 32, code):
        assert not await invitations.is_open(wrong)
        assert await invitations.take(wrong) == 0


def test_a_link_leads_to_the_form() -> None:
    assert invitation_link("https://a.example", "c") == "https://a.example/portal/sign-up?invitation=c"
