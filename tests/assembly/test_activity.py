"""Changes of the store are told in the portal, by the same facts as in the audit log."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.accounts.activity import Activity, ActivityEntry
from gateway.assembly import activity as activity_module
from gateway.assembly.activity import ActivityLog
from gateway.assembly.audit import AuditTrail, audited
from gateway.audit.actor import acting
from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.store import Store
from tests.config.example import settings
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.services import Clock

KEY = "tokens: {key: a-key-of-thirty-two-characters-and-more}\n"
SHOP = Application("app", "Shop", "u1")


async def entries(store: Store, application: str = "app") -> list[ActivityEntry]:
    return list((await Activity(store.activity, lambda: 0.0).page(application)).entries)


async def test_what_is_done_is_told_of_the_application_and_of_all(store: Store, tmp_path: Path) -> None:
    config = settings(f"{KEY}logging: {{audit: {tmp_path / 'audit.log'}}}")
    async with audited(config, store, "cli:root"):
        await store.applications.create(SHOP)
        with acting("u1 ann"):
            await store.applications.update("app", lambda one: one, Client("keys", application="app"))
        store.changes.heard("client.revoke_tokens", "keys", None, None)
        store.changes.heard("sign_in.failed", "ann", None, {"address": "192.0.2.1"})
    told = await entries(store)
    assert [(one.who, one.action, one.target) for one in told] == [
        ("cli:root", "client.revoke_tokens", "keys"),
        ("ann", "client.create", "keys"),
        ("ann", "application.update", "app"),
        ("cli:root", "application.create", "app"),
    ]
    assert await entries(store, "") == told
    logged = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [one["action"] for one in logged][-1] == "sign_in.failed"
    kept = [(one["actor"], one["action"], one["before"], one["after"]) for one in logged[-2::-1]]
    assert kept == [(one.actor, one.action, one.before, one.after) for one in told]
    assert "digest" not in str(told)


async def test_with_an_application_its_activity_goes(store: Store) -> None:
    async with audited(settings(KEY), store, "cli:root"):
        await store.applications.create(SHOP)
    async with audited(settings(KEY), store, "cli:root"):
        await store.applications.delete("app")
    assert await entries(store) == []
    assert [one.action for one in await entries(store, "")] == ["application.delete", "application.create"]


async def test_without_a_portal_nothing_is_told(store: Store) -> None:
    async with audited(settings(f"{KEY}portal: {{enabled: false}}"), store, "cli:root"):
        await store.applications.create(SHOP)
    assert await entries(store, "") == []


async def test_a_worker_tells_while_it_runs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity_module, "INTERVAL", 0.01)
    trail = AuditTrail(settings(KEY), store)
    await trail.start()
    await store.applications.create(SHOP)
    for _ in range(3000):
        if told := await entries(store):
            break
        await asyncio.sleep(0.01)
    assert [one.action for one in told] == ["application.create"]
    await trail.stop()


async def test_what_the_store_does_not_take_waits(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_module, "MOST", 2)
    store = Store(own_valkey.url, "activity:", 0.2, mac=MAC)
    await store.start()
    own_valkey.kill()
    log = ActivityLog(store.activity, store.clients.get, Clock(), bytes)
    for _ in range(3):
        log.record("cli:root", "application.create", "app", "app", None, {})
    assert "lacks an entry" in caplog.text
    await log.stop()
    assert "lacks 2 entries" in caplog.text
    await store.stop()
