"""Webhooks of applications: who is sent what, when they are switched off, and where they may be."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from gateway.accounts.webhooks import ApplicationWebhooks, WebhookRefused
from gateway.clock import system_clock
from gateway.notices.application_webhooks import (
    MOST_WAITING,
    OFF_AFTER,
    PATIENCE,
    WebhookSender,
    after_attempt,
    due_for_applications,
    surplus,
)
from gateway.notices.attempts import NoticeAttempt
from gateway.notices.events import PortalEvent
from gateway.notices.outbox import NoticeOutbox
from gateway.notices.sender import NoticeSender
from gateway.notices.webhook import WebhookClient, may_ask, may_ask_url
from gateway.oauth.application import Application
from gateway.oauth.application_webhook import ApplicationWebhook
from gateway.oauth.model import Client
from gateway.oauth.token_encryption import TokenCipher
from gateway.store import Store
from gateway.store.notices import APPLICATION, QueuedNotice
from tests.notices.receiver import NoticeReceiver, receiving
from tests.services import Clock

HOOK = ApplicationWebhook("https://hooks.example.org/", "c2VhbGVk", 1, 1)
APP = Application("app1", "Shop", "store:1")
CIPHER = TokenCipher([b"k" * 32], secrets.token_bytes)
HERE = ("127.0.0.0/8",)


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    with receiving() as one:
        yield one


def sender_of(store: Store, networks: tuple[str, ...] = HERE) -> WebhookSender:
    # The library of receivers looks at the real time.
    return WebhookSender(store.applications, CIPHER, networks, system_clock, secrets.token_bytes)


def webhooks_of(store: Store, sender: WebhookSender) -> ApplicationWebhooks:
    return ApplicationWebhooks(
        store.applications,
        CIPHER,
        lambda url: may_ask_url(url, HERE),
        sender.send_test,
        store.once.first,
        Clock(),
        secrets.token_bytes,
    )


async def made(store: Store, receiver: NoticeReceiver) -> WebhookSender:
    await store.applications.create(APP)
    sender = sender_of(store)
    _, receiver.secret = await webhooks_of(store, sender).save(APP, receiver.url, lambda _: None)
    return sender


def notice(number: int = 1, to: str = APPLICATION + APP.id, attempts: int = 0) -> QueuedNotice:
    body = '{"type":"limit.reached","timestamp":"2027-01-15T08:00:00Z","data":{}}'
    return QueuedNotice(f"msg_{number:02}", body, number, number, attempts, to)


def test_a_webhook_fails_after_some_attempts_and_is_switched_off_after_three_days() -> None:
    wrong = NoticeAttempt(500)
    assert after_attempt(HOOK, PATIENCE - 1, wrong, 100) == HOOK
    failing = after_attempt(HOOK, PATIENCE, wrong, 100)
    assert (failing.failing, failing.off) == (100, "")
    assert after_attempt(failing, 1, wrong, 99 + OFF_AFTER) == failing
    assert after_attempt(failing, 1, wrong, 100 + OFF_AFTER).off == "failing"
    assert after_attempt(failing, 1, NoticeAttempt(204), 200) == HOOK
    assert after_attempt(HOOK, 1, NoticeAttempt(410), 100).off == "gone"


def test_one_application_keeps_no_other_waiting_and_fills_no_queue() -> None:
    many = [notice(number) for number in range(MOST_WAITING + 2)]
    other = notice(50, APPLICATION + "app2")
    assert due_for_applications([*many, other], 8) == [many[0], other]
    assert due_for_applications([*many, other], 1) == [many[0]]
    assert surplus([*many, other, notice(99, "boss@example.org")]) == many[:2]


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "fd12::1",
        "fe80::1%eth0",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "fd00:ec2::254",
        "224.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_developers_reach_no_inner_address(address: str) -> None:
    assert not may_ask(address, loopback_only=False, networks=())
    host = f"[{address.replace('%', '%25')}]" if ":" in address else address
    assert not may_ask_url(f"https://{host}/", ())
    assert may_ask("8.8.8.8", loopback_only=False, networks=())


def test_networks_of_the_operator_are_allowed_but_for_link_local_and_metadata_addresses() -> None:
    everywhere = ("0.0.0.0/0", "::/0")
    assert may_ask("10.0.0.1", loopback_only=False, networks=("10.0.0.0/8",))
    assert not may_ask("10.0.0.1", loopback_only=False, networks=HERE)
    assert not may_ask("169.254.169.254", loopback_only=False, networks=everywhere)
    assert not may_ask("fd00:ec2::254", loopback_only=False, networks=everywhere)
    assert may_ask_url("http://127.0.0.1/", HERE)
    assert not may_ask_url("http://127.0.0.1/", ())
    assert not may_ask_url("http://localhost/", ())
    assert not may_ask_url("http://8.8.8.8/", HERE)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "127.1", "0x7f000001", "127.0.0.1", "[::1]"])
async def test_an_address_is_refused_when_it_is_asked_in_whatever_spelling(
    host: str, receiver: NoticeReceiver
) -> None:
    client = WebhookClient(f"https://{host}:{receiver.port}/", 5, ())
    assert not (await client.post("{}", {})).status
    await client.stop()
    client = WebhookClient(f"http://{host}:{receiver.port}/", 5, ())
    assert not (await client.post("{}", {})).status
    await client.stop()
    assert receiver.paths == []


async def test_a_notice_is_signed_with_the_secret_of_the_application(
    store: Store, receiver: NoticeReceiver
) -> None:
    sender = await made(store, receiver)
    assert await sender.wanted(notice())
    assert await sender.hand_over(notice()) == NoticeAttempt(200)
    assert receiver.types == ["limit.reached"]
    kept = await store.applications.get(APP.id)
    assert kept is not None
    assert kept.webhook is not None
    assert receiver.secret not in str(kept.webhook.sealed)


async def test_after_a_410_nothing_more_is_sent_until_the_url_is_saved(
    store: Store, receiver: NoticeReceiver
) -> None:
    sender = await made(store, receiver)
    receiver.status = 410
    attempt = await sender.hand_over(notice())
    assert attempt is not None
    assert (attempt.final, attempt.gone) == (True, False), "the operator's own receiver is another one"
    assert not await sender.wanted(notice())
    assert await sender.hand_over(notice()) is None
    webhook, secret = await webhooks_of(store, sender).save(APP, receiver.url, lambda _: None)
    assert (webhook.off, secret) == ("", "")
    receiver.status = 200
    assert await sender.hand_over(notice(2)) == NoticeAttempt(200)


async def test_a_network_that_is_no_longer_allowed_is_no_longer_asked(
    store: Store, receiver: NoticeReceiver
) -> None:
    await made(store, receiver)
    attempt = await sender_of(store, ()).hand_over(notice())
    assert attempt == NoticeAttempt(0, "RefusedAddress")
    assert receiver.ids == []


async def test_a_secret_that_was_sealed_with_other_keys_signs_nothing(
    store: Store, receiver: NoticeReceiver
) -> None:
    await made(store, receiver)
    other = TokenCipher([b"o" * 32], secrets.token_bytes)
    sender = WebhookSender(store.applications, other, HERE, Clock(), secrets.token_bytes)
    attempt = await sender.hand_over(notice())
    assert attempt is not None
    assert attempt.final
    assert receiver.ids == []


async def test_only_applications_with_a_webhook_get_notices(store: Store, receiver: NoticeReceiver) -> None:
    sender = await made(store, receiver)
    outbox = NoticeOutbox(store.notices, (), (), Clock(), secrets.token_bytes, sender.wanted)
    assert outbox.wants("limit.reached")
    assert not outbox.wants("user.signed_up")
    outbox.put(PortalEvent("limit.reached", {}, APP.id))
    outbox.put(PortalEvent("limit.reached", {}, "another"))
    outbox.put(PortalEvent("limit.reached", {}))
    outbox.put(PortalEvent("user.signed_up", {}, APP.id))
    await outbox.write()
    assert [one.to for one in await store.notices.list()] == [APPLICATION + APP.id]


async def test_a_former_owner_changes_nothing(store: Store, receiver: NoticeReceiver) -> None:
    sender = await made(store, receiver)
    await store.applications.update(APP.id, lambda one: replace(one, owner="store:2"))
    with pytest.raises(WebhookRefused, match="another owner"):
        await webhooks_of(store, sender).save(APP, receiver.url, lambda _: None)


async def test_a_receiver_that_fails_is_asked_again_and_is_no_failure_of_the_operator_s(
    store: Store, receiver: NoticeReceiver
) -> None:
    webhooks, clock = await made(store, receiver), Clock()
    now = int(clock())

    async def clients() -> AsyncIterator[Client]:
        for client in ():
            yield client

    outbox = NoticeOutbox(store.notices, (), (), clock, secrets.token_bytes, webhooks.wanted)
    sender = NoticeSender(
        store.notices, outbox, None, None, clients, store.once.first, clock, "one", lambda: True, webhooks
    )
    for number in range(2):
        await store.notices.add(replace(notice(number), created=now, due=now))
    receiver.status = 500
    await sender.step()
    assert receiver.ids == ["msg_00"], "one of an application at a time"
    assert (sender.waiting, sender.failures) == (2, 0)
    receiver.status = 410
    await sender.step()
    assert receiver.ids == ["msg_00", "msg_01"]
    assert (sender.waiting, sender.failures) == (1, 0)
    clock.now += 60
    await sender.step()
    assert (len(receiver.ids), sender.waiting) == (2, 0), "it wants nothing any more"


async def test_a_webhook_goes_with_its_application(store: Store, receiver: NoticeReceiver) -> None:
    sender = await made(store, receiver)
    await store.applications.delete(APP.id)
    assert not await sender.wanted(notice())
    assert await sender.hand_over(notice()) is None
