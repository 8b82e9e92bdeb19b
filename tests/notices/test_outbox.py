"""Notices on their way into the store."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence

import pytest

from gateway.errors import StoreUnavailable
from gateway.notices import outbox as module
from gateway.notices.events import PortalEvent
from gateway.notices.outbox import NoticeOutbox
from gateway.oauth.user import User
from gateway.store import Store
from gateway.store.notices import QueuedNotice
from tests.services import Clock

EVENT = PortalEvent("user.signed_up", {"user": "eve"})


class Failing:
    """A store that does not answer, `times` times."""

    def __init__(self, store: Store, times: int, *, writes: bool = False) -> None:
        self._store = store
        self.times = times
        self._writes = writes

    async def add(self, notice: QueuedNotice) -> bool:
        if self.times:
            self.times -= 1
            if self._writes:
                await self._store.notices.add(notice)
            raise StoreUnavailable("no answer")
        return await self._store.notices.add(notice)


def outbox_of(store: object, *events: str, receivers: Sequence[str] = ("",)) -> NoticeOutbox:
    return NoticeOutbox(store, events or ("user.signed_up",), receivers, Clock(), secrets.token_bytes)  # type: ignore[arg-type]


async def test_a_change_that_is_heard_becomes_a_notice_in_the_store(store: Store) -> None:
    outbox = outbox_of(store.notices)
    outbox.heard("user.create", "1", None, User("eve", "h", pending=True))
    outbox.heard("user.create", "2", None, User("bob", "h"))
    await outbox.write()
    (notice,) = await store.notices.list()
    assert json.loads(notice.body)["data"]["user"] == "eve"
    assert (notice.created, notice.due, notice.attempts) == (1_800_000_000, 1_800_000_000, 0)
    assert notice.id.startswith("msg_")


async def test_each_receiver_gets_a_notice_of_its_own(store: Store) -> None:
    outbox = outbox_of(store.notices, receivers=("", "a@example.org", "b@example.org"))
    outbox.put(EVENT)
    await outbox.write()
    waiting = await store.notices.list()
    assert sorted(one.to for one in waiting) == ["", "a@example.org", "b@example.org"]
    assert len({one.id for one in waiting}) == 3
    assert len({one.body for one in waiting}) == 1


async def test_events_that_are_not_chosen_make_no_notice(store: Store) -> None:
    outbox = outbox_of(store.notices, "subscription.ended")
    outbox.put(EVENT)
    await outbox.write()
    assert await store.notices.count() == 0


@pytest.mark.parametrize("writes", [False, True])
async def test_a_notice_is_written_once_though_the_store_did_not_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, writes: bool
) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    failing = Failing(store, 3, writes=writes)
    outbox = outbox_of(failing)
    await outbox.start()
    outbox.put(EVENT)
    async with asyncio.timeout(30):
        while failing.times or await store.notices.count() < 1:  # noqa: ASYNC110 (the store can't wake it)
            await asyncio.sleep(0.01)
    await outbox.stop()
    assert await store.notices.count() == 1


async def test_what_a_store_never_takes_is_bounded_and_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    outbox = outbox_of(Failing(store, 99))
    for _ in range(3):
        outbox.put(EVENT)
    assert "a notice is lost, as the store does not take any: user.signed_up" in caplog.text
    await outbox.stop()
    assert "2 notices are lost: no answer" in caplog.text


async def test_a_full_queue_of_notices_is_told(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    class Full:
        async def add(self, _: QueuedNotice) -> bool:
            return False

    outbox = outbox_of(Full())
    outbox.put(EVENT)
    await outbox.write()
    assert "a notice is lost, as too many wait to be sent: msg_" in caplog.text
