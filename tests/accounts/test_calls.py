"""What a worker notes of calls."""

from __future__ import annotations

from dataclasses import replace

from gateway.accounts.calls import CallLog
from gateway.accounts.key_uses import LAST_CALL, KeyUses
from gateway.accounts.usage import UsageCounter, UsageRecorder
from gateway.http.exchange import Peer
from gateway.store import Store
from gateway.store.key_uses import KeyUse
from tests.proxy.routing import request
from tests.services import Clock

NOW = 1_800_000_000


async def test_the_last_call_of_each_client_is_written_with_the_counts(store: Store) -> None:
    clock = Clock(NOW)
    uses, calls = KeyUses(store.key_uses), CallLog(clock)
    recorder = UsageRecorder(UsageCounter(), store.usage, clock, uses, calls)
    head = replace(request("/orders"), headers=((b"User-Agent", b"curl/8.5.0"),))
    calls.note("c1", head)
    calls.note("c2", replace(head, headers=(), peer=Peer("2001:db8::1", "https")))
    clock.now += 5
    calls.note("c1", head)
    await recorder.settle()
    assert await store.key_uses.read("c1", [LAST_CALL]) == {
        LAST_CALL: KeyUse(NOW + 5, "192.0.2.1", "curl/8.5.0")
    }
    assert await store.key_uses.read("c2", [LAST_CALL]) == {LAST_CALL: KeyUse(NOW, "2001:db8::1")}
    assert await store.clients.delete("c1") is False
    assert await store.key_uses.read("c1", [LAST_CALL]) == {}, "goes with the client"
