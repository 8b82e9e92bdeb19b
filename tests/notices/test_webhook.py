"""The client that hands notices over, against a real server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.notices.attempts import NoticeAttempt
from gateway.notices.signature import WebhookKey
from gateway.notices.webhook import RefusedAddress, WebhookClient, WebhookResolver, may_ask
from tests.notices.receiver import SECRET, NoticeReceiver, receiving

HEADERS = WebhookKey.parse(SECRET).headers("msg_1", 1, "{}")


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def client(receiver: NoticeReceiver) -> AsyncIterator[WebhookClient]:
    one = WebhookClient(receiver.url, timeout=20)
    yield one
    await one.stop()


async def test_a_redirect_is_not_followed(client: WebhookClient, receiver: NoticeReceiver) -> None:
    receiver.status, receiver.headers = 307, {"Location": "/other"}
    assert await client.post("{}", HEADERS) == NoticeAttempt(307)
    assert receiver.paths == ["/hook"]


async def test_a_receiver_that_hangs_has_a_time_limit(receiver: NoticeReceiver) -> None:
    receiver.gate.clear()
    client = WebhookClient(receiver.url, timeout=0.3)
    assert await client.post("{}", HEADERS) == NoticeAttempt(0, "no answer in time")
    await client.stop()


async def test_who_does_not_listen_is_a_failed_attempt() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        client = WebhookClient(f"http://127.0.0.1:{bound.getsockname()[1]}/")
        attempt = await client.post("{}", HEADERS)
    assert (attempt.status, attempt.reason) == (0, "ClientConnectorError")
    await client.stop()


@pytest.mark.parametrize("length", ["1000000000", None])
async def test_the_rest_of_an_endless_response_is_not_read(length: str | None) -> None:
    sent = f"Content-Length: {length}\r\n" if length else ""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = WebhookClient(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout=30)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(f"HTTP/1.1 200 OK\r\n{sent}\r\n".encode() + b"x" * 1000)
                while connection.recv(65536):  # until the client has closed
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert await client.post("{}", HEADERS) == NoticeAttempt(200)
        await asyncio.to_thread(thread.join, 30)
        assert not thread.is_alive()
        await client.stop()


@pytest.mark.parametrize(
    ("address", "by_https", "by_http"),
    [
        ("192.0.2.1", True, False),
        ("10.0.0.1", True, False),
        ("127.0.0.1", True, True),
        ("::1", True, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("fe80::1%eth0", False, False),
        ("fd00:ec2::254", False, False),
        ("100.100.100.200", False, False),
    ],
)
def test_link_local_and_metadata_addresses_are_never_asked(
    address: str, by_https: bool, by_http: bool
) -> None:
    assert may_ask(address, loopback_only=False) is by_https
    assert may_ask(address, loopback_only=True) is by_http


async def test_a_number_that_means_a_metadata_address_is_refused_when_it_is_resolved() -> None:
    with pytest.raises(RefusedAddress):
        await WebhookResolver(loopback_only=False).resolve("2852039166", 443)
    client = WebhookClient("https://2852039166/", timeout=20)
    attempt = await client.post("{}", HEADERS)
    assert attempt.status == 0
    await client.stop()


async def test_a_name_that_leads_elsewhere_is_not_asked_without_tls() -> None:
    with pytest.raises(RefusedAddress):
        await WebhookResolver(loopback_only=True).resolve("0xa000001", 80)
    assert await WebhookResolver(loopback_only=True).resolve("localhost", 80)
