"""What a worker notes of calls, and how it is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.accounts.calls import CallCount, CallKind, CallLog, CallRecorder, RecentCall
from gateway.accounts.key_uses import LAST_CALL, KeyUses
from gateway.accounts.usage import UsageCounter, UsageRecorder
from gateway.http.exchange import Exchange, Peer
from gateway.http.problems import RATE_LIMITED
from gateway.oauth.model import TokenInfo
from gateway.store import Store
from gateway.store.key_uses import KeyUse
from gateway.telemetry import Telemetry
from gateway.web.request_recorder import RequestRecorder
from tests.conftest import Valkey
from tests.proxy.routing import request, route
from tests.record_keys import MAC
from tests.services import Clock

NOW = 1_800_000_000
TODAY = NOW // 86_400
HEAD = replace(request("/orders/7?secret=1"), headers=((b"User-Agent", b"curl/8.5.0"),))
OK = CallKind("/orders", 200, "")


def noted(calls: CallLog, client_id: str = "c1", number: int = 1, **changes: Any) -> None:
    head = changes.pop("head", HEAD)
    calls.note(client_id, head, "/orders", changes.get("status", 200), "", 0.25, f"id-{number}")


async def test_the_last_call_of_each_client_is_written_with_the_counts(store: Store) -> None:
    clock = Clock(NOW)
    uses, calls = KeyUses(store.key_uses), CallLog(clock, 2)
    recorder = UsageRecorder(
        UsageCounter(), store.usage, clock, uses, CallRecorder(calls, store.calls, uses, clock)
    )
    noted(calls)
    noted(calls, "c2", head=replace(HEAD, headers=(), peer=Peer("2001:db8::1", "https")))
    noted(calls, number=2)
    clock.now += 5
    noted(calls, number=3)
    await recorder.settle()
    assert await store.key_uses.read("c1", [LAST_CALL]) == {
        LAST_CALL: KeyUse(NOW + 5, "192.0.2.1", "curl/8.5.0")
    }
    assert await store.key_uses.read("c2", [LAST_CALL]) == {LAST_CALL: KeyUse(NOW, "2001:db8::1")}
    assert await store.calls.last("c1", 10) == [
        RecentCall(NOW + 5, "GET", "/orders", 200, "", 0.25, "id-3"),
        RecentCall(NOW, "GET", "/orders", 200, "", 0.25, "id-2"),
    ]
    assert await store.calls.counts("c1", NOW) == [CallCount(TODAY, OK, 3)]
    await store.clients.delete("c1")
    assert await store.key_uses.read("c1", [LAST_CALL]) == {}, "goes with the client"
    assert (await store.calls.last("c1", 10), await store.calls.counts("c1", NOW)) == ([], [])


async def test_without_last_calls_there_are_counts_and_the_last_use(store: Store) -> None:
    clock = Clock(NOW)
    uses, calls = KeyUses(store.key_uses), CallLog(clock, 0)
    noted(calls)
    await CallRecorder(calls, store.calls, uses, clock).settle()
    await uses.settle()
    assert await store.calls.last("c1", 10) == []
    assert await store.calls.counts("c1", NOW) == [CallCount(TODAY, OK, 1)]
    assert (await store.key_uses.read("c1", [LAST_CALL]))[LAST_CALL].time == NOW


async def test_what_the_store_does_not_take_is_kept_before_what_comes_later(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, "calls:", 0.2, mac=MAC)
    await store.start()
    clock = Clock(NOW)
    calls = CallLog(clock, 2)
    recorder = CallRecorder(calls, store.calls, KeyUses(store.key_uses), clock)
    noted(calls, number=1)
    noted(calls, number=2)
    own_valkey.kill()
    await recorder.settle()
    noted(calls, number=3)
    noted(calls, "c2")
    await recorder.settle()
    kept = calls.take()
    assert [request_id for *_, request_id in kept["c1"].last] == ["id-2", "id-3"]
    assert kept["c1"].kinds() == {OK: 3}
    assert set(kept) == {"c1", "c2"}
    await store.stop()


def test_only_registered_clients_are_noted_with_the_reason_of_a_refusal() -> None:
    calls = CallLog(Clock(NOW), 5)
    recorder = RequestRecorder(Telemetry(), None, UsageCounter(), calls)
    token = TokenInfo("c1", (), (), "c1", NOW, NOW + 60, "client_credentials", "store")
    sent = Exchange(HEAD, route("/orders"), "id-1", token=token)
    sent.state["gatepost.error"] = RATE_LIMITED.code
    recorder.exchange(sent, 429, 5, 0.1)
    recorder.verification(replace(sent, request_id="id-2"), 429, 5, 0.1)
    recorder.exchange(replace(sent, token=replace(token, source="file")), 200, 5, 0.1)
    recorder.exchange(replace(sent, token=None), 401, 5, 0.1)
    (kept,) = calls.take().values()
    assert [(one[6], one[4]) for one in kept.last] == [("id-1", "900800"), ("id-2", "900800")]
    assert kept.kinds() == {CallKind("/orders", 429, "900800"): 2}


def test_without_a_portal_nothing_is_noted() -> None:
    calls = CallLog(Clock(NOW), 5)
    token = TokenInfo("c1", (), (), "c1", NOW, NOW + 60, "client_credentials", "store")
    RequestRecorder(Telemetry(), None, None, calls).exchange(
        Exchange(HEAD, route("/orders"), "id-1", token=token), 200, 5, 0.1
    )
    assert calls.take() == {}
