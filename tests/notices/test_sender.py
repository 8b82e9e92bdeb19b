"""Who sends notices, when, and how often: senders that share a store, against a real receiver."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest

from gateway.notices.events import DAY
from gateway.notices.mail import MailClient, MailSender, MailServer
from gateway.notices.outbox import NoticeOutbox
from gateway.notices.sender import NoticeSender, WebhookTarget
from gateway.notices.signature import WebhookKey
from gateway.notices.webhook import WebhookClient
from gateway.oauth.model import Client, Secret
from gateway.store import Store
from gateway.store.notices import QueuedNotice
from tests.notices.mail_server import MailBox, mail_server
from tests.notices.receiver import SECRET, NoticeReceiver, receiving
from tests.services import Clock

NOW = 1_800_000_000


@dataclass
class Senders:
    """Any number of them, as of several workers and gateways."""

    store: Store
    receiver: NoticeReceiver
    clock: Clock = field(default_factory=Clock)
    clients: list[Client] = field(default_factory=list)
    made: list[NoticeSender] = field(default_factory=list)
    outboxes: list[NoticeOutbox] = field(default_factory=list)
    retired: set[int] = field(default_factory=set)
    mail: MailClient | None = None

    @property
    def webhook(self) -> WebhookTarget:
        url = self.receiver.url
        return WebhookTarget(url, WebhookKey.parse(SECRET), WebhookClient(url, timeout=20))

    def add(self, *events: str) -> NoticeSender:
        number = len(self.made)
        outbox = NoticeOutbox(
            self.store.notices, events or ("secret.expiring",), ("",), self.clock, secrets.token_bytes
        )

        async def clients() -> AsyncIterator[Client]:
            for client in self.clients:
                yield client

        self.outboxes.append(outbox)
        self.made.append(
            NoticeSender(
                self.store.notices,
                outbox,
                self.webhook,
                self.mail,
                clients,
                self.store.once.first,
                self.clock,
                f"sender {number}",
                lambda: number not in self.retired,
            )
        )
        return self.made[-1]

    async def tick(self) -> None:
        """All look once, at the same time."""
        await asyncio.gather(*(sender.step() for sender in self.made))
        for outbox in self.outboxes:
            await outbox.write()


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def senders(store: Store, receiver: NoticeReceiver) -> AsyncIterator[Senders]:
    made = Senders(store, receiver)
    yield made
    for sender in made.made:
        await sender.stop()


async def wait_one(store: Store, notice_id: str = "msg_1", now: int = NOW, to: str = "") -> None:
    body = '{"type":"user.signed_up","timestamp":"2027-01-15T08:00:00Z","data":{}}'
    assert await store.notices.add(QueuedNotice(notice_id, body, now, now, to=to))


async def test_many_senders_send_a_notice_once(senders: Senders) -> None:
    for _ in range(6):
        senders.add()
    for number in range(20):
        await wait_one(senders.store, f"msg_{number}")
    for _ in range(3):
        await senders.tick()
    assert sorted(senders.receiver.ids) == sorted(f"msg_{number}" for number in range(20))
    assert await senders.store.notices.count() == 0


async def test_a_notice_is_sent_again_with_the_same_id_after_growing_pauses(
    senders: Senders, caplog: pytest.LogCaptureFixture
) -> None:
    sender = senders.add()
    senders.receiver.status = 503
    await wait_one(senders.store)
    await senders.tick()
    assert (sender.waiting, sender.failures) == (1, 1)
    for passed, attempts in ((4, 1), (1, 2), (29, 2), (1, 3)):
        senders.clock.now += passed
        await senders.tick()
        assert len(senders.receiver.ids) == attempts
    senders.receiver.status = 204
    senders.clock.now += 120
    await senders.tick()
    assert (sender.waiting, sender.failures) == (0, 0)
    assert senders.receiver.ids == ["msg_1"] * 4
    assert "notice msg_1 was not taken, next attempt in 30 s: it answered 503" in caplog.text
    assert SECRET not in caplog.text


async def test_a_notice_is_given_up_after_a_day(senders: Senders, caplog: pytest.LogCaptureFixture) -> None:
    senders.add()
    await wait_one(senders.store)
    senders.clock.now += DAY
    await senders.tick()
    assert (senders.receiver.ids, await senders.store.notices.count()) == ([], 0)
    assert "notice msg_1 is given up" in caplog.text


async def test_the_last_failed_attempt_ends_a_notice(
    senders: Senders, caplog: pytest.LogCaptureFixture
) -> None:
    senders.add()
    senders.receiver.status = 500
    await wait_one(senders.store)
    senders.clock.now += DAY - 3
    await senders.tick()
    assert (senders.receiver.ids, await senders.store.notices.count()) == (["msg_1"], 0)
    assert "notice msg_1 is given up after a day: it answered 500" in caplog.text


async def test_410_ends_all_notices_for_a_day(senders: Senders, caplog: pytest.LogCaptureFixture) -> None:
    senders.add()
    senders.add()
    senders.receiver.status = 410
    for number in range(20):
        await wait_one(senders.store, f"msg_{number}")
    await senders.tick()
    first = len(senders.receiver.ids)
    assert 0 < first < 20
    await wait_one(senders.store, "msg_later")
    senders.retired |= {0, 1}
    senders.add()
    await senders.tick()
    await senders.tick()
    assert (len(senders.receiver.ids), await senders.store.notices.count()) == (first, 0)
    assert "it is told nothing more for a day" in caplog.text


async def test_a_notice_that_fails_does_not_hold_up_others(senders: Senders) -> None:
    senders.add()
    senders.receiver.status = 500
    await wait_one(senders.store)
    await senders.tick()
    senders.receiver.status = 200
    await wait_one(senders.store, "msg_2")
    await senders.tick()
    assert senders.receiver.ids == ["msg_1", "msg_2"]


async def test_an_earlier_configuration_leaves_notices_to_its_successor(senders: Senders) -> None:
    earlier, later = senders.add(), senders.add()
    await earlier.step()
    await wait_one(senders.store)
    await later.step()
    assert senders.receiver.ids == []
    senders.retired.add(0)
    await earlier.step()
    await later.step()
    assert senders.receiver.ids == ["msg_1"]


async def test_a_secret_s_end_is_a_notice_once_seven_days_and_once_one_day_before(senders: Senders) -> None:
    secret = Secret(b"digest", name="second", expires=NOW + 8 * DAY)
    senders.clients.append(Client("c", secrets=(secret, Secret(b"other"))))
    for _ in range(3):
        senders.add()
    sent: list[int] = []
    for hour in range(9 * 24):
        await senders.tick()
        await senders.tick()
        sent += [hour] * (len(senders.receiver.ids) - len(sent))
        senders.clock.now += 3600
    assert sent == [24, 7 * 24]
    assert len(set(senders.receiver.ids)) == 2
    assert await senders.store.notices.count() == 0


async def test_a_secret_that_has_ended_is_told_once_also_by_who_came_late(senders: Senders) -> None:
    secret = Secret(b"digest", name="second", expires=NOW - 5)
    long_ago = Secret(b"older", expires=NOW - DAY)
    senders.clients.append(Client("c", secrets=(secret, long_ago)))
    senders.add("secret.expired")
    senders.add("secret.expired", "secret.expiring")
    for _ in range(28):
        await senders.tick()
        senders.clock.now += 3600
    assert len(senders.receiver.ids) == 1


async def test_another_end_of_a_secret_is_another_notice(senders: Senders) -> None:
    senders.add()
    for end in (NOW + DAY, NOW + DAY, NOW + 2 * DAY):
        senders.clients[:] = [Client("c", secrets=(Secret(b"digest", expires=end),))]
        await senders.tick()
        await senders.tick()
        senders.clock.now += 3600
    assert len(senders.receiver.ids) == 2


async def test_ends_that_are_not_chosen_make_no_notice(senders: Senders) -> None:
    senders.add("user.signed_up")
    senders.clients.append(Client("c", secrets=(Secret(b"digest", expires=NOW + DAY),)))
    await senders.tick()
    assert await senders.store.notices.count() == 0


@pytest.fixture
def box(senders: Senders) -> Iterator[MailBox]:
    with mail_server() as one:
        server = MailServer("127.0.0.1", one.port, "none", None)
        senders.mail = MailClient(server, MailSender("portal@example.org", "Gatepost", "https://gw.example"))
        yield one


async def test_mails_are_sent_again_beside_a_webhook_that_wants_nothing(
    senders: Senders, box: MailBox
) -> None:
    sender = senders.add()
    senders.receiver.status, box.answer = 410, "451 later"
    await wait_one(senders.store)
    for number in (2, 3):
        await wait_one(senders.store, f"msg_{number}", to=f"boss{number}@example.org")
    await senders.tick()
    assert (len(senders.receiver.ids), len(box.mails), sender.waiting) == (1, 2, 2)
    box.answer = "250 OK"
    senders.clock.now += 5
    await senders.tick()
    assert (len(senders.receiver.ids), len(box.mails), sender.waiting) == (1, 4, 0)
    assert sorted(map(str, box.recipients[2:])) == ["['boss2@example.org']", "['boss3@example.org']"]
    assert len({mail["Message-ID"] for mail in box.mails}) == 2


async def test_a_mail_to_nobody_is_given_up_at_once(
    senders: Senders, box: MailBox, caplog: pytest.LogCaptureFixture
) -> None:
    senders.add()
    box.refuse = "550 no such user"
    await wait_one(senders.store, to="gone@example.org")
    await senders.tick()
    assert await senders.store.notices.count() == 0
    assert "notice msg_1 is given up: its recipient was refused (550)" in caplog.text
    assert "gone@example.org" not in caplog.text


async def test_what_waits_for_mail_goes_when_mail_is_switched_off(
    senders: Senders, caplog: pytest.LogCaptureFixture
) -> None:
    senders.add()
    await wait_one(senders.store, to="boss@example.org")
    await senders.tick()
    assert (await senders.store.notices.count(), senders.receiver.ids) == (0, [])
    assert "portal.notify names no such receiver any more" in caplog.text
