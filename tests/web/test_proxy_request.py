"""What plugins can do to a request, on both ways through the gateway."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.oauth.opaque_tokens import OpaqueTokens, derived_key
from tests.conftest import Valkey
from tests.raw import RawClient, RawMessage, RawUpstream, answer, says
from tests.running import Running
from tests.store.stage import until
from tests.web.test_recording_middleware import metrics, noted
from tests.web_gateway import ask_for_token, problem, request, web_config, with_a_store_to_freeze


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest,
    upstream_server: RawUpstream,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """One of its own: the plugin's failures are logged with their tracebacks."""
    config = web_config(upstream_server, valkey.url, "test-plugin:", fast_lane=request.param)
    config["plugins"].append({"use": "tests.web.misbehaving:Misbehaving"})
    config["routes"] = [
        {"path": "/plugin", "auth": "none", "upstream": "backend", "strip_prefix": False},
        {
            "path": "/shaped",
            "auth": "none",
            "upstream": "backend",
            "strip_prefix": False,
            "plugins": [{"use": "tests.web.misbehaving:ByHead"}],
        },
        {
            "path": "/waiting",
            "scopes": ["read"],
            "upstream": "backend",
            "strip_prefix": False,
            "plugins": [{"use": "tests.web.misbehaving:Waiting"}],
        },
        {"path": "/guarded", "scopes": ["read"], "upstream": "backend", "strip_prefix": False},
    ]
    running = Running(config, tmp_path_factory.mktemp("plugin"))
    running.await_ready()
    yield running
    running.stop(tracebacks=True)


@pytest.fixture
async def client(gateway: Running, upstream: RawUpstream) -> AsyncIterator[RawClient]:
    connected = await gateway.connect()
    yield connected
    await connected.close()


@pytest.mark.parametrize("phase", ["request", "authorized", "forward"])
async def test_a_plugin_answers_and_the_upstream_is_not_asked(
    client: RawClient, upstream: RawUpstream, phase: str
) -> None:
    reply = await client.ask(request("/plugin", f"X-Do: {phase} answer"))
    assert (reply.status, reply.content, reply.header("X-Pot")) == (418, b"short and stout", "tea")
    assert reply.header("X-Request-Id") is not None
    assert upstream.requests == []
    assert (await client.ask(request("/plugin"))).status == 200


@pytest.mark.parametrize(
    "wish", ["request raise", "authorized raise", "forward raise", "response raise", "request nonsense"]
)
async def test_a_plugin_that_fails_lets_nobody_through(
    gateway: Running, upstream: RawUpstream, wish: str
) -> None:
    reply = await alone(gateway, request("/plugin", f"X-Do: {wish}"))
    assert reply.status == 500
    assert problem(reply)["code"] == "500"
    assert b"secret" not in reply.head + reply.content
    assert len(upstream.requests) == (1 if wish.startswith("response") else 0)


async def alone(gateway: Running, data: bytes) -> RawMessage:
    """The answer to the one request of a connection, which may end with it."""
    async with await gateway.connect() as connected:
        return await connected.ask(data)


async def test_a_plugin_that_fails_at_the_end_harms_nobody(client: RawClient, upstream: RawUpstream) -> None:
    assert (await client.ask(request("/plugin", "X-Do: finish raise"))).status == 200
    assert (await client.ask(request("/plugin"))).status == 200


async def test_a_plugin_changes_what_goes_upstream(client: RawClient, upstream: RawUpstream) -> None:
    await client.ask(request("/plugin", "X-Do: forward change"))
    seen = await upstream.next()
    assert (seen.header("X-Changed"), seen.header("X-Do")) == ("1", None)


@pytest.mark.parametrize("phase", ["request", "authorized"])
async def test_a_plugin_puts_another_request_in_the_caller_s_place(
    client: RawClient, upstream: RawUpstream, phase: str
) -> None:
    for _ in range(2):
        assert (await client.ask(request("/plugin", f"X-Do: {phase} swap"))).status == 200
        swapped = upstream.requests[-1]
        assert (swapped.first_line, swapped.header("X-Swapped")) == ("PUT /plugin HTTP/1.1", "1")
        assert swapped.header("X-Do") is None
        assert (await client.ask(request("/plugin"))).status == 200
        assert upstream.requests[-1].first_line == "GET /plugin HTTP/1.1"


async def test_the_token_of_a_request_that_a_plugin_has_made_is_the_one_that_counts(
    client: RawClient, upstream: RawUpstream
) -> None:
    token = json.loads((await ask_for_token(client, "scope=read")).content)["access_token"]
    good, swap = f"Authorization: Bearer {token}", "X-Do: request swap"
    for _ in range(2):  # of a token that is not known here yet, and of one that is
        assert (await client.ask(request("/guarded", swap, f"X-Token: Bearer {token}"))).status == 200
        assert upstream.requests[-1].header("X-Client-Id") == "demo"
        assert (await client.ask(request("/guarded", good))).status == 200
        for other in ("Bearer forged", token, ""):
            auth_problem = await client.ask(request("/guarded", good, swap, f"X-Token: {other}"))
            assert auth_problem.status in (400, 401)
    assert [seen.method for seen in upstream.requests] == ["PUT", "GET"] * 2


async def test_each_refusal_of_the_same_bytes_says_what_is_wrong_with_the_token_now(
    client: RawClient,
) -> None:
    token = json.loads((await ask_for_token(client, "scope=write")).content)["access_token"]
    asking = request("/guarded", f"Authorization: Bearer {token}")
    refusals = [await client.ask(asking) for _ in range(3)]
    body = f"client_id=demo&client_secret=demo-secret&token={token}".encode()
    kind = "Content-Type: application/x-www-form-urlencoded"
    assert (await client.ask(request("/revoke", kind, method="POST", body=body))).status == 200
    refusals += [await client.ask(asking) for _ in range(3)]
    assert [one.status for one in refusals] == [403] * 3 + [401] * 3
    errors = ['error="insufficient_scope"'] * 3 + ['error="invalid_token"'] * 3
    assert all(
        error in (one.header("WWW-Authenticate") or "") for one, error in zip(refusals, errors, strict=True)
    )
    assert len({json.loads(one.content)["request_id"] for one in refusals}) == 6
    dpop = await client.ask(request("/guarded", "Authorization: DPoP forged"))
    assert (dpop.header("WWW-Authenticate") or "").startswith("DPoP ")


@pytest.mark.parametrize("gateway", [True], ids=["fast_path"], indirect=True)
async def test_no_hook_makes_a_body_longer_that_is_still_to_come(
    client: RawClient, upstream: RawUpstream
) -> None:
    longer = request("/plugin", "X-Do: forward longer", "Content-Length: 5", method="POST")
    assert (await client.ask(longer)).status == 500
    assert upstream.requests == []


async def test_coroutine_hooks_run_in_their_phase_and_may_use_timeouts(
    client: RawClient, upstream: RawUpstream
) -> None:
    token = json.loads((await ask_for_token(client, "scope=read")).content)["access_token"]
    bearer = f"Authorization: Bearer {token}"
    for _ in range(2):
        reply = await client.ask(request("/waiting", bearer, method="POST", body=b"hello"))
        assert (reply.status, (await upstream.next()).content) == (200, b"hello")
    assert (await client.ask(request("/waiting"))).status == 401
    for phase, status in (("request", 418), ("authorized", 401), ("forward", 401)):
        assert (await client.ask(request("/waiting", f"X-Do: {phase} answer"))).status == status
        assert (await client.ask(request("/waiting", bearer, f"X-Do: {phase} answer"))).status == 418
    assert len(upstream.requests) == 2


LARGE = b"x" * 1_000_000
BODIES = {
    "whole": answer("200 OK", b"hello"),
    "empty": answer("200 OK", b""),
    "large": answer("200 OK", LARGE),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
    "until close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
}


@pytest.mark.parametrize("said", BODIES.values(), ids=BODIES)
async def test_a_response_waits_for_coroutine_hooks_and_stays_whole(
    client: RawClient, upstream: RawUpstream, said: bytes
) -> None:
    token = json.loads((await ask_for_token(client, "scope=read")).content)["access_token"]
    upstream.reset(says(said))
    for _ in range(2):
        reply = await client.ask(request("/waiting", f"Authorization: Bearer {token}"))
        assert (reply.status, reply.header("X-Waited")) == (200, "1")
        assert reply.content == (b"hello" if b"hello" in said else said.partition(b"\r\n\r\n")[2])
        assert reply.body.endswith(b"X-Sum: 7\r\n\r\n") == (b"X-Sum" in said)


async def test_a_response_that_breaks_off_while_a_hook_waits_is_not_made_whole(
    gateway: Running, upstream: RawUpstream
) -> None:
    upstream.reset(says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhello"))
    async with await gateway.connect() as connected:
        token = json.loads((await ask_for_token(connected, "scope=read")).content)["access_token"]
        await connected.send(request("/waiting", f"Authorization: Bearer {token}"))
        with pytest.raises(asyncio.IncompleteReadError):
            await connected.receive()


async def test_a_coroutine_hook_that_fails_on_a_response_lets_it_not_through(
    gateway: Running, upstream: RawUpstream
) -> None:
    async with await gateway.connect() as connected:
        token = json.loads((await ask_for_token(connected, "scope=read")).content)["access_token"]
    reply = await alone(gateway, request("/waiting", f"Authorization: Bearer {token}", "X-Do: response hang"))
    assert reply.status == 500
    assert b"hello" not in reply.content


async def test_the_next_request_waits_for_coroutine_hooks_of_on_finish(
    client: RawClient, upstream: RawUpstream
) -> None:
    token = json.loads((await ask_for_token(client, "scope=read")).content)["access_token"]
    bearer = f"Authorization: Bearer {token}"
    for number in range(3):
        await client.send(request(f"/waiting/{number}", bearer, "X-Do: finish hang"))
    assert [(await client.receive()).status for _ in range(3)] == [200] * 3
    assert [seen.target for seen in upstream.requests] == [f"/waiting/{number}" for number in range(3)]


@pytest.mark.parametrize("phase", ["request", "authorized", "forward"])
async def test_a_coroutine_hook_that_runs_into_its_timeout_lets_nobody_through(
    gateway: Running, upstream: RawUpstream, phase: str
) -> None:
    async with await gateway.connect() as connected:
        token = json.loads((await ask_for_token(connected, "scope=read")).content)["access_token"]
    bearer = f"Authorization: Bearer {token}"
    assert (await alone(gateway, request("/waiting", bearer, f"X-Do: {phase} hang"))).status == 500
    assert upstream.requests == []


@pytest.mark.parametrize("last", [(), ("Connection: close",)], ids=["kept", "last"])
async def test_a_client_that_leaves_while_a_coroutine_hook_waits_ends_the_request(
    gateway: Running, upstream: RawUpstream, last: tuple[str, ...]
) -> None:
    leaving = await gateway.connect()
    await leaving.send(request("/waiting/left", "X-Do: request wait", *last))
    await until(lambda: in_flight(gateway, 1))
    await leaving.close()
    assert (await noted(gateway, "/waiting/left"))["status"] == 499
    await until(lambda: in_flight(gateway, 0))
    assert upstream.requests == []


async def test_what_goes_by_a_head_alone_is_done_to_each(client: RawClient, upstream: RawUpstream) -> None:
    for mark in ("a", "a", "b", "a"):
        reply = await client.ask(request("/shaped", f"X-Mark: {mark}"))
        assert reply.status == 201
        of_upstream, own = reply.all("X-Request-Id")
        assert of_upstream == "the upstream's"
        assert upstream.requests[-1].all("X-Shaped") == [f"{mark} from nobody"]
        assert upstream.requests[-1].all("X-Request-Id") == [own]


@pytest.mark.parametrize("wish", ["head raise", "head curious", "head answer"])
async def test_a_hook_that_fails_on_a_head_or_asks_for_more_lets_nobody_through(
    gateway: Running, upstream: RawUpstream, wish: str
) -> None:
    for _ in range(2):
        reply = await alone(gateway, request("/shaped", f"X-Do: {wish}"))
        assert reply.status == 500
        assert b"secret" not in reply.head + reply.content
    assert upstream.requests == []


async def test_a_hook_that_fails_on_an_answer_s_head_lets_it_not_through(
    gateway: Running, upstream: RawUpstream
) -> None:
    upstream.reset(says(answer("200 OK", b"hello", "X-Do: head raise")))
    for _ in range(2):
        reply = await alone(gateway, request("/shaped"))
        assert reply.status == 500
        assert b"hello" not in reply.content


async def test_a_body_goes_with_the_head(client: RawClient, upstream: RawUpstream) -> None:
    await client.ask(request("/plugin", "X-Do: forward change", method="POST", body=b"hello"))
    assert (await upstream.next()).content == b"hello"


async def test_a_plugin_changes_what_comes_back(client: RawClient, upstream: RawUpstream) -> None:
    reply = await client.ask(request("/plugin", "X-Do: response change"))
    assert (reply.header("X-Changed"), reply.content) == ("2", b"hello")


@pytest.fixture(params=[True, False], ids=["fast_path", "aiohttp"])
def lonely(
    request: pytest.FixtureRequest, upstream: RawUpstream, own_valkey: Valkey, tmp_path: Path
) -> Iterator[Running]:
    yield from with_a_store_to_freeze(upstream, own_valkey, tmp_path, timeout="2s", fast_lane=request.param)


async def test_who_waits_for_the_store_s_word_is_answered_in_time_or_leaves(
    lonely: Running, own_valkey: Valkey, upstream: RawUpstream
) -> None:
    asking, must_wait, leaving = [await lonely.connect() for _ in range(3)]
    token = json.loads((await ask_for_token(asking, "scope=read")).content)["access_token"]
    bearer = request("/read", f"Authorization: Bearer {token}")
    own_valkey.freeze()
    await must_wait.send(bearer)
    await must_wait.send(request("/open/next"))
    await leaving.send(bearer)
    await until(lambda: in_flight(lonely, 2))
    await leaving.close()
    await until(lambda: in_flight(lonely, 1))
    auth_problem, after = [await must_wait.receive() for _ in range(2)]
    assert (auth_problem.status, problem(auth_problem)["status"], after.status) == (503, 503, 200)
    assert auth_problem.header("Retry-After") is not None
    assert [seen.target for seen in upstream.requests] == ["/open/next"]
    own_valkey.thaw()
    await until(lambda: is_let_in(asking, bearer))
    await until(lambda: in_flight(lonely, 0))
    assert upstream.requests[-1].target == "/read"
    await asking.close()
    await must_wait.close()


async def test_who_waits_for_the_store_s_word_is_answered_before_a_stop(
    lonely: Running, own_valkey: Valkey, upstream: RawUpstream
) -> None:
    must_wait = await lonely.connect()
    token = json.loads((await ask_for_token(must_wait, "scope=read")).content)["access_token"]
    own_valkey.freeze()
    await must_wait.send(request("/read", f"Authorization: Bearer {token}"))
    await until(lambda: in_flight(lonely, 1))
    stopping = asyncio.create_task(asyncio.to_thread(lonely.stop))
    await asyncio.sleep(0.1)
    own_valkey.thaw()
    assert (await must_wait.receive()).status == 200
    assert await must_wait.closed()
    await must_wait.close()
    await stopping


async def in_flight(gateway: Running, number: int) -> bool:
    return f"\ngatepost_requests_in_flight {number}.0\n" in await metrics(gateway)


async def is_let_in(client: RawClient, data: bytes) -> bool:
    return (await client.ask(data)).status == 200


async def test_a_plugin_answers_before_the_store_is_asked_about_a_token(
    upstream: RawUpstream, tmp_path: Path
) -> None:
    config = web_config(upstream, "redis://127.0.0.1:1", "test-away:")
    config["plugins"].append({"use": "tests.web.misbehaving:Misbehaving"})
    config["tokens"] = {"key": "k" * 32}
    config["routes"] = [{"path": "/plugin", "scopes": ["read"], "upstream": "backend"}]
    running = Running(config, tmp_path)
    running.await_ready()
    bearer = (
        f"Authorization: Bearer {OpaqueTokens((derived_key(b'k' * 32, 'token tag'),), os.urandom).make()}"
    )
    async with await running.connect() as client:
        assert (await client.ask(request("/plugin", bearer, "X-Do: request answer"))).status == 418
        assert (await client.ask(request("/plugin", bearer))).status == 503
        assert (await client.ask(request("/plugin", bearer, "X-Do: request answer"))).status == 418
    running.stop()


@pytest.mark.parametrize("phase", ["request", "authorized"])
@pytest.mark.parametrize("sent", ["whole", "behind its head", "chunked"])
async def test_the_body_of_a_request_that_a_plugin_has_replaced_by_one_without_is_no_request(
    gateway: Running, upstream: RawUpstream, phase: str, sent: str
) -> None:
    inner = request("/plugin/inner", method="POST", body=b"x")
    headers = [f"X-Do: {phase} swap"]
    headers.append("Transfer-Encoding: chunked" if sent == "chunked" else f"Content-Length: {len(inner)}")
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner) if sent == "chunked" else inner
    async with await gateway.connect() as connected:
        head = request("/plugin/outer", *headers, method="POST")
        if sent == "behind its head":
            await connected.send(head)
            await upstream.next()
            head = b""
        await connected.send(head + body)
        assert (await connected.receive()).status == 200
        assert (await connected.ask(request("/plugin/next"))).status == 200
    assert [seen.target for seen in upstream.requests] == ["/plugin/outer", "/plugin/next"]
    assert upstream.requests[0].body == b""
