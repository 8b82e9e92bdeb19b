"""What is refused before anything is done with it."""

import json

import pytest

from gateway.web.request_context import new_request_id
from tests.raw import RawClient, RawUpstream
from tests.running import Running
from tests.web_gateway import request


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("/open/../read"), 400),
        (request("/open/%2e%2e/read"), 400),
        (request("//open/x"), 400),
        (request("/Open/x"), 400),
        (request("/open;a=b/x"), 400),
        (request("/open%2fx"), 400),
        (request("/open/a%2F..%2Fb"), 400),
        (request("/open/a%0Ab"), 400),
        (request("/TOKEN", method="POST"), 400),
        (request("/token;x", method="POST"), 400),
        (request("//token", method="POST"), 400),
        (request("/portal/a%2F..%2Ftoken"), 400),
        (request("/open/%zz"), 400),
        (request("/open/a\\b"), 400),
        (request("/open#x"), 400),
        (request("/open/..;/read"), 400),
        (b"GET /open HTTP/1.1\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: bad host\r\n\r\n", 400),
        (b"GET /open HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET /open HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: a\r\nX\xe9: a\r\n\r\n", 400),
        (
            b"POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        (b"POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
        (b"POST /open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        (b"POST /open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /open HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GARBAGE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET  /open HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"G" * 40 + b" /open HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"\n\nGARBAGE\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501),
        (request("/" + "a" * 9000), 414),
        (request("/open", "X: " + "a" * 40_000), 431),
        (request("/open", *(f"X-{n}: 1" for n in range(200))), 431),
    ],
)
async def test_one_request_has_one_meaning(
    gateway: Running, upstream: RawUpstream, data: bytes, status: int
) -> None:
    connected = await gateway.connect()
    reply = await connected.ask(data)
    await connected.close()
    assert reply.header("Content-Type") == "application/problem+json"
    assert reply.status == status
    assert upstream.requests == []


async def test_the_absolute_form_is_served(client: RawClient, upstream: RawUpstream) -> None:
    await client.ask(b"GET http://other.example/open/x?y HTTP/1.1\r\nHost: api.example.org\r\n\r\n")
    seen = await upstream.next()
    assert seen.target == "/open/x?y"
    assert seen.all("Host") == ["other.example"]
    assert seen.header("X-Forwarded-Host") == "other.example"


async def test_a_head_that_does_not_end_is_ended(hasty_gateway: Running) -> None:
    connected = await hasty_gateway.connect()
    await connected.send(b"GET /open HTTP/1.1\r\nHost: a\r\nX-Slow:")
    assert (await connected.rest()).startswith(b"HTTP/1.1 408 ")
    await connected.close()


async def test_a_body_that_does_not_go_on_is_ended(hasty_gateway: Running, upstream: RawUpstream) -> None:
    async with await hasty_gateway.connect() as client:
        await client.send(request("/open", "Content-Length: 10", method="POST") + b"half")
        assert (await client.receive()).status == 408


async def test_a_body_larger_than_allowed_is_413_declared_or_not(
    gateway: Running, upstream: RawUpstream
) -> None:
    declared = await gateway.connect()
    reply = await declared.ask(request("/open", "Content-Length: 1048577", method="POST"))
    assert reply.status == 413
    await declared.close()
    chunked = await gateway.connect()
    await chunked.send(request("/open", "Transfer-Encoding: chunked", method="POST"))
    await chunked.send((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 17)
    assert (await chunked.receive()).status == 413
    await chunked.close()
    assert all(b"\r\n0\r\n\r\n" not in seen.body for seen in upstream.requests)


async def test_a_malformed_chunk_is_400(client: RawClient, upstream: RawUpstream) -> None:
    await client.send(
        request("/open", "Transfer-Encoding: chunked", method="POST") + b"zz\r\nhello\r\n0\r\n\r\n"
    )
    assert (await client.receive()).status == 400
    assert upstream.requests == []


async def test_expect_is_answered_when_the_caller_is_let_in(client: RawClient, upstream: RawUpstream) -> None:
    await client.send(request("/open", "Expect: 100-continue", "Content-Length: 5", method="POST"))
    assert (await client.receive(body=False)).first_line == "HTTP/1.1 100 Continue"
    await client.send(b"hello")
    assert (await client.receive()).status == 200
    seen = await upstream.next()
    assert (seen.content, seen.header("Expect")) == (b"hello", "100-continue")


async def test_expect_of_who_is_not_let_in_is_answered_with_the_refusal(client: RawClient) -> None:
    await client.send(request("/read", "Expect: 100-continue", "Content-Length: 5", method="POST"))
    assert (await client.receive()).status == 401


@pytest.mark.parametrize(
    "path",
    ["/open", "/token", "/jwks", "/.well-known/oauth-authorization-server", "/auth/verify/open", "/portal/"],
)
async def test_an_unknown_expectation_is_417(client: RawClient, path: str) -> None:
    reply = await client.ask(request(path, "Expect: miracles", method="POST", body=b"x"))
    assert (reply.status, reply.header("Content-Type")) == (417, "application/problem+json")
    problem = json.loads(reply.content)
    assert (problem["code"], "request_id" in problem) == ("417", True)


async def test_an_endpoint_tells_who_expects_it_to_send_the_body_once(client: RawClient) -> None:
    for path in ("/token", "/revoke", "/portal/sign-in"):
        await client.send(
            request(
                path,
                "Expect: 100-continue",
                "Content-Type: application/x-www-form-urlencoded",
                "Content-Length: 1",
                method="POST",
            )
        )
        assert (await client.receive(body=False)).first_line == "HTTP/1.1 100 Continue"
        await client.send(b"x")
        assert (await client.receive()).status >= 200


def test_request_ids_differ_and_are_32_hex_digits() -> None:
    one, other = new_request_id(), new_request_id()
    made = [make() for make in (one, other) for _ in range(1000)]
    assert len(set(made)) == len(made)
    assert all(len(text) == 32 and int(text, 16) >= 0 for text in made)
