"""What callers and upstreams see of a proxied exchange."""

import asyncio
import gzip

import pytest

from tests.raw import LIMIT, Conversation, RawClient, RawMessage, RawUpstream, answer, says
from tests.running import Running
from tests.web_gateway import own_certificate, problem, request


async def test_the_request_arrives_as_it_came(client: RawClient, upstream: RawUpstream, token: str) -> None:
    headers = (
        f"Authorization: Bearer {token}",
        "aCCept: */*",
        "X-Odd: \xe9",
        "X-Twice: 1",
        "X-Twice: 2",
        "Cookie: a=b",
    )
    reply = await client.ask(request("/read/%41%20b/@?q=%zz&r=[1]", *headers))
    assert (reply.status, reply.content) == (200, b"hello")
    seen = await upstream.next()
    assert seen.first_line == "GET /read/%41%20b/@?q=%zz&r=[1] HTTP/1.1"
    assert seen.headers[0] == ("Host", "api.example.org")
    assert ("aCCept", "*/*") in seen.headers
    assert ("X-Odd", "\xe9") in seen.headers
    assert seen.all("X-Twice") == ["1", "2"]


async def test_the_upstream_is_told_who_calls_and_gets_no_token(
    client: RawClient, upstream: RawUpstream, token: str
) -> None:
    forged = (
        "X-Client-Id: admin",
        "X_Client_Id: admin",
        "x-authenticated-scope: all",
        "X-Forwarded-For: 6.6.6.6",
    )
    await client.ask(request("/read", f"Authorization: Bearer {token}", *forged, "Connection: X-Client-Id"))
    seen = await upstream.next()
    assert seen.header("X-Client-Id") == "demo"
    assert seen.header("X-Authenticated-Scope") == "am_application_scope read write"
    assert seen.header("X-Forwarded-For") == "127.0.0.1"
    assert seen.header("X-Forwarded-Proto") == "http"
    assert seen.header("X-Forwarded-Host") == "api.example.org"
    assert seen.header("Via") == "1.1 gatepost"
    assert seen.header("Authorization") is None
    assert b"admin" not in seen.head


async def test_what_could_override_method_or_path_does_not_arrive(
    client: RawClient, upstream: RawUpstream
) -> None:
    tricks = ("X-HTTP-Method-Override: DELETE", "X_Original_URL: /admin", "X-Forwarded-Prefix: /admin")
    await client.ask(request("/open", *tricks))
    assert not [name for name, _ in (await upstream.next()).headers if "verride" in name or "rig" in name]
    await client.ask(request("/override", *tricks))
    seen = await upstream.next(2)
    assert seen.header("X-HTTP-Method-Override") == "DELETE"
    assert b"admin" not in seen.head


REPEATED = ["Content-Type: a/b", "Content-Location: /a", "Content-Range: bytes 0-1/2", "User-Agent: a"]
REPEATED += ["ETag: a", "Server: a", "Max-Forwards: 1", "Host: api.example.org", "Authorization: Basic YTpi"]


@pytest.mark.parametrize("line", REPEATED)
@pytest.mark.parametrize("cut", [False, True])
async def test_a_repeated_header_that_must_stand_once_is_refused(
    gateway: Running, upstream: RawUpstream, line: str, cut: bool
) -> None:
    data = request("/open", line, line.lower())
    client = await gateway.connect()
    if cut:
        await client.send(data[:-20])
        await asyncio.sleep(0.02)
        data = data[-20:]
    assert (await client.ask(data)).status == 400
    assert not upstream.requests
    await client.close()


async def test_a_route_can_pass_the_token_on(client: RawClient, upstream: RawUpstream, token: str) -> None:
    await client.ask(request("/token-too", f"Authorization: Bearer {token}"))
    assert (await upstream.next()).header("Authorization") == f"Bearer {token}"


async def test_caller_and_upstream_read_the_same_request_id(client: RawClient, upstream: RawUpstream) -> None:
    first = await client.ask(request("/open"))
    second = await client.ask(request("/open"))
    assert first.header("X-Request-Id") == (await upstream.next()).header("X-Request-Id")
    assert first.header("X-Request-Id") != second.header("X-Request-Id")


async def test_the_prefix_is_stripped_and_nothing_else(client: RawClient, upstream: RawUpstream) -> None:
    await client.ask(request("/strip/me/a%20b/?x"))
    seen = await upstream.next()
    assert seen.target == "/a%20b/?x"
    assert seen.header("X-Forwarded-Prefix") == "/strip/me"


async def test_connections_are_kept_on_both_sides(client: RawClient, upstream: RawUpstream) -> None:
    await client.ask(request("/open"))
    before = upstream.connections
    for _ in range(5):
        assert (await client.ask(request("/open"))).status == 200
    assert upstream.connections == before


async def test_the_answer_comes_back_as_it_was(client: RawClient, upstream: RawUpstream) -> None:
    body = gzip.compress(b"x" * 1000)
    upstream.reset(
        says(
            answer(
                "299 Rather Fine",
                body,
                "Content-Encoding: gzip",
                "Set-Cookie: a=1",
                "Set-Cookie: b=2",
                "X-B: \xe9",
            )
        )
    )
    reply = await client.ask(request("/open", "Accept-Encoding: gzip"))
    assert reply.first_line == "HTTP/1.1 299 Rather Fine"
    assert reply.all("Set-Cookie") == ["a=1", "b=2"]
    assert reply.header("X-B") == "\xe9"
    assert reply.body == body


@pytest.mark.parametrize(
    "name", ["Connection: close", "Keep-Alive: timeout=5", "Proxy-Connection: x", "Upgrade: h2c"]
)
async def test_headers_of_one_hop_do_not_come_back(
    client: RawClient, upstream: RawUpstream, name: str
) -> None:
    upstream.reset(says(answer("200 OK", b"hello", name)))
    reply = await client.ask(request("/open"))
    assert reply.header(name.partition(":")[0]) is None
    assert (await client.ask(request("/open"))).status == 200


@pytest.mark.parametrize("size", [1, 1000, 70_000, 1_000_000])
async def test_bodies_arrive_whole(client: RawClient, upstream: RawUpstream, size: int) -> None:
    async def echo(message: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer("200 OK", message.content))
        await writer.drain()
        return True

    upstream.reset(echo)
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    reply = await client.ask(request("/open", method="PUT", body=body))
    assert reply.content == body
    assert (await upstream.next()).header("Content-Length") == str(size)


async def test_chunked_bodies_arrive_chunked_without_extensions(
    client: RawClient, upstream: RawUpstream
) -> None:
    upstream.reset(
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    )
    chunks = b"4;ext=1\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n"
    reply = await client.ask(request("/open", "Transfer-Encoding: chunked", method="POST") + chunks)
    seen = await upstream.next()
    assert (seen.header("Transfer-Encoding"), seen.header("Content-Length")) == ("chunked", None)
    assert seen.content == b"wikipedia"
    assert (reply.header("Transfer-Encoding"), reply.content) == ("chunked", b"abcde")


async def test_an_upload_is_streamed(client: RawClient, upstream: RawUpstream) -> None:
    await client.send(request("/open", "Transfer-Encoding: chunked", method="POST") + b"5\r\nfirst\r\n")
    await client.send(b"6\r\nsecond\r\n0\r\n\r\n")
    assert (await client.receive()).status == 200
    assert (await upstream.next()).content == b"firstsecond"


async def test_an_answer_is_streamed_event_by_event(client: RawClient, upstream: RawUpstream) -> None:
    wished, loop = asyncio.Semaphore(0), asyncio.get_running_loop()

    async def events(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(3):
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(wished.acquire(), loop))
            writer.write(b"9\r\ndata: 1\n\n\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        return True

    upstream.reset(events)
    await client.send(request("/open"))
    await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), LIMIT)
    for _ in range(3):
        # The next event is sent when the one before has arrived.
        wished.release()
        await asyncio.wait_for(client.reader.readuntil(b"data: 1\n\n"), LIMIT)
    assert await client.reader.readuntil(b"0\r\n\r\n")


async def test_head_has_no_body_and_keeps_its_length(client: RawClient, upstream: RawUpstream) -> None:
    upstream.reset(says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
    reply = await client.ask(request("/open", method="HEAD"), body=False)
    assert reply.header("Content-Length") == "1000"
    upstream.reset()
    assert (await client.ask(request("/open"))).content == b"hello"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_answers_without_a_body_keep_the_connection(
    client: RawClient, upstream: RawUpstream, status: str
) -> None:
    upstream.reset(says(f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode()))
    reply = await client.ask(request("/open"), body=False)
    assert (reply.first_line, reply.header("ETag")) == (f"HTTP/1.1 {status}", "x")
    assert reply.header("Transfer-Encoding") is None
    upstream.reset()
    assert (await client.ask(request("/open"))).content == b"hello"


async def test_an_answer_that_ends_with_its_connection_is_whole(
    client: RawClient, upstream: RawUpstream
) -> None:
    upstream.reset(says(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is"))
    reply = await client.ask(request("/open"))
    assert (reply.header("Transfer-Encoding"), reply.content) == ("chunked", b"all there is")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nonly a part",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxx\r\n",
    ],
)
async def test_a_truncated_answer_is_never_presented_as_whole(
    client: RawClient, upstream: RawUpstream, data: bytes
) -> None:
    upstream.reset(says(data))
    await client.send(request("/open"))
    received = await broken_off(client)
    assert not received.endswith(b"0\r\n\r\n")
    if b"HTTP/1.1 200" in received:
        assert b"Content-Length: 100" in received or b"chunked" in received
    else:
        assert received.startswith(b"HTTP/1.1 502")


async def broken_off(client: RawClient) -> bytes:
    received = b""
    try:
        while data := await asyncio.wait_for(client.reader.read(65536), 20):
            received += data
            if received.startswith(b"HTTP/1.1 502"):
                break
    except ConnectionResetError:
        pass
    return received


def dies(after: bytes = b"") -> Conversation:
    async def conversation(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(after)
        writer.transport.abort()
        return False

    return conversation


async def test_an_upstream_that_is_not_there_is_502_at_once(client: RawClient) -> None:
    reply = await client.ask(request("/gone"))
    assert reply.status == 502
    assert problem(reply)["code"] == "101503"
    assert b"127.0.0.1" not in reply.content


@pytest.mark.parametrize(
    "conversation",
    [
        dies(),
        says(b"nonsense\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ],
)
async def test_nonsense_from_the_upstream_is_502(
    client: RawClient, upstream: RawUpstream, conversation: Conversation
) -> None:
    upstream.reset(conversation)
    reply = await client.ask(request("/open", method="POST", body=b"x"))
    assert problem(reply)["code"] == "101503"
    upstream.reset()
    assert (await client.ask(request("/open"))).status == 200


async def test_a_slow_upstream_is_504(hasty_gateway: Running, upstream: RawUpstream) -> None:
    async def never(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.read()
        return False

    upstream.reset(never)
    async with await hasty_gateway.connect() as client:
        assert problem(await client.ask(request("/open")))["code"] == "101504"


async def test_a_caller_that_leaves_ends_the_exchange(gateway: Running, upstream: RawUpstream) -> None:
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def wait(_: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.read()
        loop.call_soon_threadsafe(gone.set)
        return False

    upstream.reset(wait)
    leaving = await gateway.connect()
    await leaving.send(request("/open"))
    await upstream.next()
    await leaving.close()
    # Sooner than the upstream's time for a response is over.
    await asyncio.wait_for(gone.wait(), 2.5)


async def test_pipelined_requests_are_answered_in_order(client: RawClient, upstream: RawUpstream) -> None:
    async def echo(message: RawMessage, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer("200 OK", message.target.encode()))
        return True

    upstream.reset(echo)
    await client.send(b"".join(request(f"/open/{number}") for number in range(5)))
    assert [(await client.receive()).content for _ in range(5)] == [f"/open/{n}".encode() for n in range(5)]


async def test_a_caller_that_asks_to_close_is_closed(client: RawClient, upstream: RawUpstream) -> None:
    reply = await client.ask(request("/open", "Connection: close"))
    assert reply.header("Connection") == "close"
    assert await client.closed()


async def test_http_1_0_is_served_and_closed(client: RawClient, upstream: RawUpstream) -> None:
    upstream.reset(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
    await client.send(b"GET /open HTTP/1.0\r\nHost: api.example.org\r\n\r\n")
    received = await client.rest()
    head, _, body = received.partition(b"\r\n\r\n")
    assert body == b"hello"
    assert b"chunked" not in head
    assert (await upstream.next()).header("Via") == "1.0 gatepost"


async def test_over_tls_the_upstream_is_told_so(gateway: Running, upstream: RawUpstream) -> None:
    connected = await gateway.connect(gateway.https, own_certificate(gateway))
    assert (await connected.ask(request("/open"))).status == 200
    await connected.close()
    assert (await upstream.next()).header("X-Forwarded-Proto") == "https"
