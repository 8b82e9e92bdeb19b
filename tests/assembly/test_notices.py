"""Notices from the configuration."""

from __future__ import annotations

import pytest

from gateway.assembly.notices import Notices, told
from gateway.clock import system_clock
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.oauth.user import User
from gateway.plugin.catalog import PluginCatalog
from gateway.store import Store

WEBHOOK = "{url: 'http://127.0.0.1:1/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}"
NOTIFY = f"portal: {{notify: {{webhook: {WEBHOOK}}}}}"
WAITS = User("eve", "h", source="store", pending=True)


def settings(text: str = NOTIFY) -> Settings:
    return load_text(text, {}, PluginCatalog())


async def test_without_notify_nothing_is_heard_written_or_measured(store: Store) -> None:
    plain = settings("server: {}")
    made = Notices(plain, store, (), system_clock, lambda: True)
    await made.start()
    async with told(plain, store):
        await store.users.create(WAITS)
    await made.stop()
    assert (made.gauges(), await store.notices.count()) == ({}, 0)


async def test_a_change_is_a_notice_and_still_heard_by_the_audit_log(store: Store) -> None:
    heard: list[str] = []
    store.changes.heard = lambda action, *_: heard.append(action)
    made = Notices(settings(), store, (), system_clock, lambda: False)
    await made.start()
    await store.users.create(WAITS)
    await made.stop()
    assert (heard, await store.notices.count()) == (["user.create"], 1)
    assert made.gauges() == {"notices_waiting": {(): 0.0}, "notice_failures": {(): 0.0}}


@pytest.mark.parametrize("fails", [False, True])
async def test_what_a_command_changes_is_a_notice_though_it_fails_later(store: Store, *, fails: bool) -> None:
    async def work() -> None:
        async with told(settings(), store):
            await store.users.create(WAITS)
            if fails:
                raise ValueError("later")

    if fails:
        with pytest.raises(ValueError, match="later"):
            await work()
    else:
        await work()
    assert await store.notices.count() == 1
