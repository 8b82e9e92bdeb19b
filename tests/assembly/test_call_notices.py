"""Notices of limits that are used up, and of many errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.accounts.call_watch import CallKind, ErrorRule
from gateway.accounts.calls import CallLog, CallRecorder
from gateway.accounts.key_uses import KeyUses
from gateway.accounts.limits_left import LimitLeft
from gateway.accounts.usage import UsageCounter, UsageRecorder
from gateway.assembly.call_notices import CallNotices
from gateway.config.portal_notify import NOTICE_EVENTS
from gateway.notices.outbox import NoticeOutbox
from gateway.oauth.model import Client, TokenInfo
from gateway.store import Store
from tests.conftest import Valkey
from tests.proxy.routing import request
from tests.record_keys import MAC
from tests.services import Clock

SPENT = LimitLeft("/orders", (), "quota-day", 10, 86_400, 0, 4_000_000_000)
LIMITED, BROKEN = CallKind("/orders", 429, "900800"), CallKind("/orders", 502, "101503")
OK = CallKind("/", 200, "")
TOKEN = TokenInfo("shop", (), (), "shop", 0, 2**40, "g", "store")
Notices = Callable[..., tuple[CallNotices, NoticeOutbox]]


@pytest.fixture
def made(store: Store) -> Notices:
    def make(limits: Sequence[LimitLeft] = (SPENT,), events: Sequence[str] = NOTICE_EVENTS) -> Any:
        async def left(_: Client) -> Sequence[LimitLeft]:
            return limits

        clock = Clock(time.time())
        outbox = NoticeOutbox(
            store.notices, events, [""], clock, lambda count: time.time_ns().to_bytes(count)
        )
        return CallNotices(store, outbox, left, ErrorRule(0.5, 5, 4), clock), outbox

    return make


async def bodies(store: Store, outbox: NoticeOutbox) -> list[Any]:
    await outbox.write()
    return [json.loads(one.body) for one in await store.notices.list()]


async def test_a_limit_that_is_used_up_is_told_once(store: Store, made: Notices) -> None:
    await store.clients.create(Client("shop", name="Shop (production)", application="app"))
    notices, outbox = made([SPENT, LimitLeft("", (), "client", 5, 60, 3, None)])
    for _ in range(2):
        await notices.look({"shop": {OK: 2, LIMITED: 1}, "gone": {LIMITED: 1}})
    (told,) = await bodies(store, outbox)
    assert told["type"] == "limit.reached"
    assert told["data"] == {
        "client": "shop",
        "client_name": "Shop (production)",
        "application": "app",
        "route": "/orders",
        "limit_name": "quota-day",
        "limit": 10,
        "seconds": 86_400,
        "ends": "2096-10-02T07:06:40Z",
    }


async def test_nobody_is_told_of_what_nobody_wants(store: Store, made: Notices) -> None:
    await store.clients.create(Client("shop"))
    notices, outbox = made(events=("user.signed_up",))
    await notices.look({"shop": {LIMITED: 1, BROKEN: 1}})
    notices, outbox = made()
    await notices.look({"shop": {OK: 1, CallKind("/orders", 429, ""): 1}})
    assert await bodies(store, outbox) == []


async def test_many_errors_are_told_once_the_usage_is_written(store: Store, made: Notices) -> None:
    await store.clients.create(Client("shop"))
    notices, outbox = made()
    clock, uses = Clock(time.time()), KeyUses(store.key_uses)
    log, tally = CallLog(clock, 10), UsageCounter()
    recorder = UsageRecorder(tally, store.usage, clock, uses, CallRecorder(log, store.calls, uses, clock))
    recorder.watch(notices)
    for status in (200, 502, 502, 503):
        tally.call(TOKEN, status, 0.1)
        log.note("shop", request("/orders"), "/orders", status, "", 0.1, "id")
    for _ in range(2):
        await recorder.settle()
        log.note("shop", request("/orders"), "/orders", 500, "", 0.1, "id")
    told = await bodies(store, outbox)
    assert [one["type"] for one in told] == ["errors.high"] * 2
    figures = {"calls": 4, "errors": 3, "share": 0.75, "seconds": 300}
    assert [one["data"] for one in told] == [{"route": "/orders", **figures}, {"client": "shop", **figures}]


async def test_without_the_store_calls_are_not_looked_at(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, "watch:", 0.2, mac=MAC)
    await store.start()
    clock, uses = Clock(time.time()), KeyUses(store.key_uses)
    recorder = CallRecorder(CallLog(clock, 10), store.calls, uses, clock)

    async def left(_: Client) -> Sequence[LimitLeft]:
        raise AssertionError

    outbox = NoticeOutbox(store.notices, NOTICE_EVENTS, [""], clock, bytes)
    recorder.watch = CallNotices(store, outbox, left, ErrorRule(0.5, 5, 4), clock)
    recorder.calls.note("shop", request("/orders"), "/orders", 502, "", 0.1, "id")
    await recorder.settle()
    own_valkey.kill()
    await recorder.look()
    await store.stop()
