"""What a worker counts of the portal's clients, and how it settles."""

from __future__ import annotations

import time

from gateway.accounts.usage import UsageCounter, UsageRecorder
from gateway.oauth.model import Client, TokenInfo
from gateway.store import Store
from gateway.store.usage import HOUR
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.services import Clock

NOW = 1_800_000_000


def token(client: str = "c1", source: str = "store") -> TokenInfo:
    return TokenInfo(client, (), (), client, NOW, NOW + 60, "client_credentials", source)


def test_calls_are_counted_by_status_and_duration() -> None:
    tally = UsageCounter()
    for status, seconds in (
        (200, 0.001),
        (204, 0.01),
        (302, 0.03),
        (404, 0.2),
        (429, 0.9),
        (503, 2.0),
        (101, 9.0),
    ):
        tally.call(token(), status, seconds, own=True)
    assert tally.take() == {"c1": [3, 1, 2, 1, 1, 2, 1, 1, 1, 2, 0, 0]}
    assert tally.take() == {}


def test_an_upstreams_own_limit_is_none_of_the_gateways() -> None:
    tally = UsageCounter()
    tally.call(token(), 429, 0.1, own=False)
    assert tally.take()["c1"][4] == 0


def test_tokens_are_counted_by_outcome() -> None:
    tally = UsageCounter()
    client = Client("c1", source="store")
    tally.token(client, issued=True)
    tally.token(client, issued=False)
    tally.token(None, issued=False)
    assert tally.take()["c1"][-2:] == [1, 1]


def test_clients_of_the_file_are_not_counted() -> None:
    tally = UsageCounter()
    tally.call(token(source="file"), 200, 0.1)
    tally.token(Client("demo"), issued=True)
    assert tally.take() == {}


async def test_what_is_counted_is_settled_at_the_end(store: Store) -> None:
    tally = UsageCounter()
    keeper = UsageRecorder(tally, store.usage, Clock(NOW))
    await keeper.start()
    tally.call(token(), 200, 0.1)
    await keeper.stop()
    assert (await store.usage.read("c1", HOUR, NOW))[-1][0] == 1


async def test_what_the_store_does_not_take_is_kept(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, "usage:", 0.2, mac=MAC)
    await store.start()
    tally = UsageCounter()
    keeper = UsageRecorder(tally, store.usage, Clock(NOW))
    tally.call(token(), 200, 0.1)
    own_valkey.kill()
    await keeper.settle()
    tally.call(token(), 200, 0.1)
    assert tally.take()["c1"][0] == 2
    await store.stop()


def test_counting_costs_next_to_nothing() -> None:
    tally, facts = UsageCounter(), token()
    begun = time.process_time()
    for _ in range(20_000):
        tally.call(facts, 200, 0.002)
    assert (time.process_time() - begun) / 20_000 < 20e-6
