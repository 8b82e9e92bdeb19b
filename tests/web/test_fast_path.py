"""That the fast path is used, and that nobody can tell."""

import asyncio
import json
import re
import socket
from unittest.mock import MagicMock

import pytest

from gateway.http.exchange import NOBODY
from gateway.http.forwarded import TrustedProxies
from gateway.proxy.request_cache import request_reader
from gateway.proxy.route_table import RouteTable
from gateway.server.min_data_rate import MinDataRate
from gateway.web.fast_path import FastPath
from gateway.web.upload_request import UploadRequest
from tests.proxy.routing import route
from tests.raw import RawClient, RawMessage, RawUpstream, answer, until
from tests.running import Running
from tests.server.test_aiohttp_server import served
from tests.web.test_recording_middleware import metrics
from tests.web_gateway import ask_for_token, request


def without_what_differs(message: RawMessage) -> bytes:
    return re.sub(rb"Date: [^\r]*|[0-9a-f]{32}", b"", message.head + message.body)


@pytest.mark.parametrize(
    "data",
    [
        request("/open/a%20b?x=1", "X-A: 1", "Cookie: c"),
        request("/open", method="PUT", body=b"hello"),
        request("/open", method="HEAD"),
        request("/open", "Transfer-Encoding: chunked", method="POST") + b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
        request("/open", "Transfer-Encoding: Chunked", method="PUT") + b"0\r\n\r\n",
        request("/read", "Transfer-Encoding: chunked", method="POST") + b"1\r\na\r\n0\r\n\r\n",
        request("/read"),
        request("/read", "Authorization: Bearer gpt_" + "A" * 65),
        request("/read", "Authorization: Bearer a b"),
        request("/read", "Authorization: DPoP a b"),
        request("/read", "Authorization: DPoP abc"),
        request("/nothing"),
        request("/read", method="DELETE"),
        request("/lost"),
        request("/token-too", "Authorization: Bearer x"),
    ],
)
async def test_a_plain_request_and_its_special_twin_are_answered_alike(
    gateway: Running, upstream: RawUpstream, data: bytes
) -> None:
    """A header that the fast path leaves to aiohttp, and that does not go upstream, makes the twin."""
    twin = data.replace(b"\r\nHost:", b"\r\nTE: trailers\r\nHost:", 1)
    body = not data.startswith(b"HEAD")
    connected = await gateway.connect()
    answers = [await connected.ask(one, body=body) for one in (data, twin)]
    await connected.close()
    assert without_what_differs(answers[0]) == without_what_differs(answers[1])
    if upstream.requests:
        first, second = upstream.requests
        assert without_what_differs(first) == without_what_differs(second)


async def test_a_caller_that_sends_on_before_the_answer_is_answered_in_order(
    client: RawClient, upstream: RawUpstream
) -> None:
    go = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def slow(message: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go.wait(), loop))
        writer.write(answer("200 OK", message.target.encode()))
        return True

    upstream.reset(slow)
    await client.send(request("/open/1"))
    await upstream.next()
    for number in range(2, 5):
        await client.send(request(f"/open/{number}", method="POST", body=b"x" * 50_000))
    go.set()
    assert [(await client.receive()).content for _ in range(4)] == [
        f"/open/{n}".encode() for n in range(1, 5)
    ]


async def test_the_fast_path_is_really_used() -> None:
    taken: list[bytes] = []

    class Noting:
        def try_handle(self, data: bytes, caller: object) -> None:
            taken.append(data)

    loop = asyncio.get_running_loop()
    server = served(fast_path=Noting())
    here, there = socket.socketpair()
    transport, _ = await loop.connect_accepted_socket(server, there)
    await loop.sock_sendall(here, b"GET / HTTP/1.1\r\n")
    await until(lambda: taken)
    assert taken == [b"GET / HTTP/1.1\r\n"]
    transport.abort()
    here.close()


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
async def test_it_takes_a_request_whose_body_has_not_come_or_in_part_but_none_with_bytes_behind_it(
    expects: bytes,
) -> None:
    head = b"POST /orders HTTP/1.1\r\nHost: a\r\n%sContent-Length: 5\r\n\r\n" % expects
    services = MagicMock(max_body=10, realm="x", clock=lambda: 0.0, min_data_rate=MinDataRate(5.0, 1))
    path = FastPath(
        services, TrustedProxies([]), lambda: "id", request_reader(RouteTable([route("/orders")]))
    )
    for came in (b"", b"", b"he", b"hell"):
        client = MagicMock(closing=False, peer=NOBODY)
        taken = path.try_handle(head + came, client)
        assert isinstance(taken, UploadRequest)
        assert client.await_body.call_args_list[0].args == (5 - len(came), taken)
    untouched = MagicMock()
    assert path.try_handle(head + b"hello!", untouched) is None
    assert untouched.mock_calls == []


async def test_a_token_that_is_known_costs_no_question_to_the_store(
    gateway: Running, client: RawClient, upstream: RawUpstream, token: str
) -> None:
    bearer = request("/read", f"Authorization: Bearer {token}")
    assert (await client.ask(bearer)).status == 200
    before = await asked_about_tokens(gateway)
    for _ in range(20):
        assert (await client.ask(bearer)).status == 200
    assert await asked_about_tokens(gateway) == before


async def test_a_token_that_is_not_known_is_asked_for_once(gateway: Running, upstream: RawUpstream) -> None:
    """The store's answer lets all in who wait for it; twins come in both ways."""
    callers = [await gateway.connect() for _ in range(6)]
    answer = await ask_for_token(callers[0], "scope=read&validity_period=777")
    bearer = f"Authorization: Bearer {json.loads(answer.content)['access_token']}"
    twins = [request("/read", bearer), request("/read", bearer, "TE: trailers")]
    before = await asked_about_tokens(gateway)
    for caller, data in zip(callers, twins * 3, strict=True):
        await caller.send(data)
    answers = [await caller.receive() for caller in callers]
    assert {answer.status for answer in answers} == {200}
    assert len({without_what_differs(answer) for answer in answers}) == 1
    assert before < await asked_about_tokens(gateway) <= before + 6
    seen = [await upstream.next() for _ in callers]
    assert {one.header("X-Client-Id") for one in seen} == {"demo"}
    for caller in callers:
        await caller.close()


async def test_unknown_tokens_are_judged_alike_on_both_ways(
    gateway: Running, client: RawClient, upstream: RawUpstream
) -> None:
    for target, form, status in (
        ("/write", "scope=read", 403),
        ("/audience", "", 403),
        ("/read", "scope=read", 200),
        ("/token-too", "", 200),
    ):
        answers = []
        for number, special in enumerate(((), ("TE: trailers",))):
            asked = await ask_for_token(client, f"{form}&validity_period={600 + number}")
            bearer = f"Authorization: Bearer {json.loads(asked.content)['access_token']}"
            answers.append(await client.ask(request(target, bearer, *special)))
        assert [answer.status for answer in answers] == [status, status]
        assert without_what_differs(answers[0]) == without_what_differs(answers[1])


async def asked_about_tokens(gateway: Running) -> float:
    text = await metrics(gateway)
    line = next(line for line in text.splitlines() if "store_calls_total" in line and "token.facts" in line)
    return float(line.rpartition(" ")[2])
