"""Notices by webhook, end to end: real gateways, and a receiver that verifies with the library."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.clock import system_clock
from gateway.commands.options import load
from gateway.commands.status import lines
from tests.commands.conftest import gatepost
from tests.conftest import Valkey
from tests.gateway_process import CHEAP_HASHES
from tests.notices.mail_server import mail_server
from tests.notices.receiver import SECRET, NoticeReceiver, receiving, until
from tests.portal.api.program import Program, token_of
from tests.portal.conftest import ADMIN, PASSWORD, config
from tests.portal.reader import Reader, call
from tests.ports import free_port
from tests.running import Running

ROUTE = {
    "path": "/orders",
    "upstream": "orders",
    "scopes": ["orders.read"],
    "access": "request",
    "docs": {"title": "Orders"},
}


class Site:
    """Gateways of one store."""

    def __init__(self, backend: str, store: str, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self.config = config(backend, store, routes=[ROUTE], management={"port": 0, "host": "127.0.0.1"})
        self.config["tokens"] = {"key": "k" * 32}
        self.gateways: list[Running] = []

    def notify(self, url: str) -> None:
        self.config["portal"]["notify"] = {"webhook": {"url": url, "secret": SECRET}}

    def start(self, workers: int = 1) -> Running:
        self.config["server"]["workers"] = workers
        place = self.folder / str(len(self.gateways))
        place.mkdir()
        gateway = Running(self.config, place, **CHEAP_HASHES)
        self._stack.callback(lambda: gateway.running and gateway.stop())
        self.gateways.append(gateway)
        gateway.await_ready()
        return gateway

    def management(self, gateway: Running, path: str) -> str:
        connection = HTTPConnection(gateway.management.partition("://")[2], timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def status(self, gateway: Running) -> dict[str, Any]:
        return dict(json.loads(self.management(gateway, "/status")))

    def await_empty(self) -> None:
        """Waits until nothing waits in the store."""
        with redis.Redis.from_url(self.config["store"]["url"]) as link:
            key = f"{self.config['store']['prefix']}notices"
            until(lambda: not link.exists(key))


@pytest.fixture
def site(valkey: Valkey, backend: str) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="gatepost-notices-") as folder, ExitStack() as stack:
        yield Site(backend, valkey.url, Path(folder), stack)


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    with receiving() as one:
        yield one


def ask(gateway: Running, name: str = "ann") -> str:
    """A developer asks for the API. The subscription's path."""
    reader = Reader(gateway.http)
    reader.open("/portal/sign-up").submit(
        "/sign-up", name=name, password="correct horse", again="correct horse"
    )
    program = Program(gateway.http, token_of(reader, gateway.http))
    _, application = program.ask("POST", "/applications", {"name": "Shop"})
    wish = {"applicationId": application["applicationId"], "apiId": "Orders", "note": "please"}
    status, made = program.ask("POST", "/subscriptions", wish)
    assert status == 201, made
    return f"/subscriptions/{made['subscriptionId']}"


def approve(calls: list[tuple[Running, str]]) -> None:
    """The administrator approves each by that gateway."""
    reader = Reader(calls[0][0].http)
    reader.sign_in(ADMIN, PASSWORD)
    token = token_of(reader, calls[0][0].http)
    for gateway, path in calls:
        status, _ = Program(gateway.http, token).ask("POST", f"{path}/approve", {"note": "fine"})
        assert status == 200


def test_who_decides_is_told_by_mail(site: Site) -> None:
    with mail_server() as box:
        smtp = {"host": "127.0.0.1", "port": box.port, "tls": "none"}
        mail = {"from": "portal@example.org", "to": ["boss@example.org", "deputy@example.org"], "smtp": smtp}
        site.config["portal"]["notify"] = {"email": mail, "events": ["subscription.requested"]}
        gateway = site.start()
        ask(gateway)
        until(lambda: len(box.mails) == 2)
        assert sorted(box.recipients) == [["boss@example.org"], ["deputy@example.org"]]
        assert {mail["Subject"] for mail in box.mails} == {"[Gatepost] ann asks for the API Orders"}
        assert "Note: please" in box.mails[0].get_content()
        site.await_empty()


def test_a_limit_that_is_used_up_is_told_once(site: Site, receiver: NoticeReceiver) -> None:
    site.config["routes"] = [
        {
            "path": "/limited",
            "upstream": "orders",
            "plugins": [{"use": "rate_limit", "with": {"limit": 1, "per": "1h"}}],
        }
    ]
    site.notify(receiver.url)
    gateway = site.start(workers=2)
    developer = Reader(gateway.http)
    developer.open("/portal/sign-up").submit(
        "/sign-up", name="ann", password="correct horse", again="correct horse"
    )
    _, made = developer.keys()
    credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
    token = call(gateway.http, "/token", {"grant_type": "client_credentials"}, basic=credentials)[1]
    told = [call(gateway.http, "/limited", bearer=token["access_token"])[0] for _ in range(6)]
    assert told == [200] + 5 * [429]
    receiver.await_types("limit.reached")
    site.await_empty()
    (data,) = (one["data"] for one in receiver.bodies)
    assert (data["client"], data["route"], data["limit"]) == (made.value("consumer-key"), "/limited", 1)


def test_notices_of_a_subscription_arrive_once_with_two_workers(site: Site, receiver: NoticeReceiver) -> None:
    site.notify(receiver.url)
    gateway = site.start(workers=2)
    approve([(gateway, ask(gateway))])
    receiver.await_types("subscription.requested", "subscription.approved")
    site.await_empty()
    assert sorted(receiver.types) == ["subscription.approved", "subscription.requested"]
    (asked,), (approved,) = receiver.of("subscription.requested"), receiver.of("subscription.approved")
    assert (asked["api"], asked["note"], asked["asked_by"]) == ("Orders", "please", "ann")
    assert (approved["decided_by"], approved["answer"]) == (ADMIN, "fine")
    assert approved["application"] == asked["application"]
    # A worker's figures are those of its last look.
    until(lambda: site.status(gateway)["notices"] == {"waiting": 0, "failures": 0})


def test_two_gateways_of_a_store_send_each_notice_once(site: Site, receiver: NoticeReceiver) -> None:
    site.notify(receiver.url)
    end = datetime.fromtimestamp(system_clock(), UTC) + timedelta(days=3)
    secret = {"secret": "a-client-secret", "name": "second", "expires": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
    site.config["clients"] = [{"id": "shop", "secrets": [secret]}]
    first, second = site.start(), site.start(workers=2)
    paths = [ask(first, "ann"), ask(second, "bob")]
    approve([(first, paths[1]), (second, paths[0])])
    until(lambda: len(receiver.ids) >= 5)
    site.await_empty()
    assert sorted(receiver.types) == [
        "secret.expiring",
        *["subscription.approved"] * 2,
        *["subscription.requested"] * 2,
    ]
    (expiring,) = receiver.of("secret.expiring")
    assert (expiring["client"], expiring["secret"]) == ("shop", "second")
    assert "a-client-secret" not in json.dumps(receiver.bodies)
    # Nor is it told again by who comes later.
    third = site.start()
    first.stop()
    second.stop()
    ask(third, "eve")
    until(lambda: len(receiver.ids) >= 6)
    site.await_empty()
    assert receiver.types.count("secret.expiring") == 1


async def test_a_notice_arrives_when_its_receiver_is_up_again(site: Site) -> None:
    port = free_port()
    site.notify(f"http://127.0.0.1:{port}/hook")
    gateway = site.start()
    ask(gateway)
    line = await gateway.line("notice msg_\\w+ was not taken, next attempt in 5 s: ClientConnectorError")
    assert SECRET not in line
    until(lambda: site.status(gateway)["notices"]["failures"] > 0)
    found = site.status(gateway)
    assert found["notices"]["waiting"] == 1
    assert any("notices        1 waiting, the last" in one for one in lines(found))
    assert "gatepost_notices_waiting 1.0" in site.management(gateway, "/metrics")
    with receiving(port) as receiver:
        receiver.await_types("subscription.requested")
        site.await_empty()
        assert receiver.types == ["subscription.requested"]


async def test_a_notice_outlives_a_restart(site: Site, receiver: NoticeReceiver) -> None:
    site.notify(receiver.url)
    receiver.status = 503
    gateway = site.start()
    ask(gateway)
    await gateway.line("was not taken, next attempt in 5 s: it answered 503")
    gateway.stop()
    receiver.status = 200
    before = len(receiver.ids)
    site.start()
    until(lambda: len(receiver.ids) > before)
    site.await_empty()
    assert set(receiver.types) == {"subscription.requested"}
    assert len(set(receiver.ids)) == 1


def test_a_gateway_ends_in_time_while_the_receiver_of_its_notices_hangs(
    site: Site, receiver: NoticeReceiver
) -> None:
    site.notify(receiver.url)
    receiver.gate.clear()
    gateway = site.start()
    ask(gateway)
    until(lambda: len(receiver.ids) == 1)
    gateway.stop()
    receiver.gate.set()
    site.start()
    until(lambda: len(receiver.ids) == 2)
    site.await_empty()
    assert len(set(receiver.ids)) == 1


def test_who_signs_up_and_waits_is_a_notice(site: Site, receiver: NoticeReceiver) -> None:
    site.config["portal"]["sign_up"] = "approval"
    site.notify(receiver.url)
    gateway = site.start()
    Reader(gateway.http).open("/portal/sign-up").submit(
        "/sign-up", name="eve", password="correct horse", again="correct horse"
    )
    receiver.await_types("user.signed_up")
    assert receiver.of("user.signed_up") == [{"user": "eve", "waits_for_approval": True}]
    assert "correct horse" not in json.dumps(receiver.bodies)


def test_a_command_s_decision_is_a_notice_too(
    site: Site, receiver: NoticeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.notify(receiver.url)
    gateway = site.start()
    ask(gateway)
    receiver.await_types("subscription.requested")
    application = receiver.of("subscription.requested")[0]["application"]
    monkeypatch.chdir(gateway.file.parent)
    assert load(gateway.file).portal.notify is not None
    result = gatepost("subscription", "refuse", application, "Orders", "--note", "no")
    assert result.exit_code == 0, result.output
    receiver.await_types("subscription.refused")
    assert receiver.of("subscription.refused")[0]["answer"] == "no"
