"""Traces by OTLP from real gateways, on both ways through them and with two workers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.conftest import Valkey
from tests.e2e.conftest import CLIENT, configuration, token
from tests.otel_receiver import Receiver, otel_receiver
from tests.raw import RawUpstream, answer, raw_upstream, says
from tests.running import Running

SECRET_QUERY = "secret-in-the-query"
Start = Callable[..., Running]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with otel_receiver() as made:
        yield made


@pytest.fixture(scope="module")
def backend() -> Iterator[RawUpstream]:
    with raw_upstream() as made:
        yield made


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[Start]:
    """Starts gateways that live as long as this file's tests."""
    started: list[Running] = []

    def begin(config: dict[str, Any], **environment: str) -> Running:
        folder: Path = tmp_path_factory.mktemp("gateway")
        config["store"] = {"url": valkey.url, "prefix": f"test-{uuid4().hex[:12]}:"}
        running = Running(config, folder, **environment)
        started.append(running)
        running.await_ready()
        return running

    yield begin
    failures = [failure for running in started if (failure := running.stopped_badly())]
    assert not failures, "\n".join(failures)


def traced_configuration(upstream: str, **server: Any) -> dict[str, Any]:
    logging = {"level": "info", "format": "json", "access": True, "fields": ["trace_id"]}
    return configuration(upstream, server=server, logging=logging)


@pytest.fixture(scope="module", params=["fast_path", "aiohttp", "two_workers"])
def running(
    request: pytest.FixtureRequest, start: Start, backend: RawUpstream, receiver: Receiver
) -> Running:
    server = {"fast_lane": request.param != "aiohttp"}
    if request.param == "two_workers":
        server["workers"] = 2
    return start(traced_configuration(backend.url, **server), **receiver.environment)


def parent(flags: str = "01") -> tuple[str, str, str]:
    """The ids of a caller's trace and span, and its `traceparent`."""
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    return trace_id, span_id, f"00-{trace_id}-{span_id}-{flags}"


async def ask(
    running: Running, path: str, bearer: str | None = None, method: str = "GET", **headers: str
) -> int:
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, running.http + path) as response,
    ):
        await response.read()
        return response.status


async def test_spans_nest_below_the_callers_and_the_upstream_continues_them(
    running: Running, backend: RawUpstream, receiver: Receiver
) -> None:
    fresh = await token(running, scope="orders.read", validity_period="600")
    issued = fresh["access_token"]
    trace_id, caller, traceparent = parent()
    backend.reset()
    query = f"/orders/7?key={SECRET_QUERY}"
    assert await ask(running, query, issued, traceparent=traceparent, tracestate="shop=1") == 200
    spans = await receiver.trace(trace_id, 4)
    request, check, call = spans["GET /orders"], spans["authorize"], spans["GET"]
    lookup = spans["find token"]
    assert (request.kind, check.kind, lookup.kind, call.kind) == ("server", "internal", "client", "client")
    assert request.parent_id == caller
    assert check.parent_id == call.parent_id == request.span_id
    assert lookup.parent_id == check.span_id
    assert request.start <= check.start <= lookup.start <= lookup.end <= check.end
    assert check.end <= call.start <= call.end <= request.end
    assert lookup.attributes == {"db.system.name": "redis"}
    sent = await backend.next()
    assert sent.header("traceparent") == f"00-{trace_id}-{call.span_id}-01"
    assert sent.header("tracestate") == "shop=1"
    assert request.state == "shop=1"

    host, port = running.http.removeprefix("http://").split(":")
    expected = {
        "http.request.method": "GET",
        "url.path": "/orders/7",
        "url.scheme": "http",
        "http.route": "/orders",
        "http.response.status_code": 200,
        "http.response.body.size": 5,
        "server.address": host,
        "server.port": int(port),
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "gatepost.client": CLIENT,
        "gatepost.request_id": sent.header("x-request-id"),
    }
    assert request.attributes == expected
    assert call.attributes == {
        "http.request.method": "GET",
        "url.full": f"{backend.url}/orders/7",
        "server.address": "127.0.0.1",
        "server.port": backend.port,
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "gatepost.upstream": "backend",
    }
    assert not request.failed
    assert request.resource["service.name"] == "gatepost"
    assert trace_id in await running.line(f'"/orders/7".*"trace_id": "{trace_id}"')
    everything = b"".join(receiver.bodies)
    assert SECRET_QUERY.encode() not in everything
    assert issued.encode() not in everything


async def test_a_token_that_every_worker_knows_is_looked_up_no_more(
    running: Running, backend: RawUpstream, receiver: Receiver
) -> None:
    backend.reset()
    fresh = await token(running, scope="orders.read", validity_period="600")
    issued = fresh["access_token"]
    looked_up = 0
    for _ in range(30):
        trace_id, _, traceparent = parent()
        assert await ask(running, "/orders", issued, traceparent=traceparent) == 200
        names = await receiver.names(trace_id, last="GET /orders")
        if "find token" not in names:
            assert names == {"GET /orders", "authorize", "GET"}
            break
        looked_up += 1
    assert 1 <= looked_up < 30


async def test_a_trace_that_begins_here_has_the_requests_id(
    running: Running, backend: RawUpstream, receiver: Receiver
) -> None:
    backend.reset()
    assert await ask(running, "/open", tracestate="strangers=1") == 200
    sent = await backend.next()
    trace_id = sent.header("x-request-id") or ""
    spans = await receiver.trace(trace_id, 2)
    assert spans["GET /open"].parent_id == ""
    assert sent.header("traceparent") == f"00-{trace_id}-{spans['GET'].span_id}-01"
    assert sent.header("tracestate") is None


async def test_what_the_caller_does_not_record_is_not_recorded_here(
    running: Running, backend: RawUpstream, receiver: Receiver
) -> None:
    unrecorded, _, traceparent = parent("00")
    backend.reset()
    assert await ask(running, "/open", traceparent=traceparent) == 200
    assert (await backend.next()).header("traceparent") == traceparent
    recorded, _, other = parent()
    assert await ask(running, "/open", traceparent=other) == 200
    await receiver.trace(recorded, 2)
    assert unrecorded not in {span.trace_id for span in receiver.spans}


async def test_a_refused_token_is_no_failure_of_the_gateway(running: Running, receiver: Receiver) -> None:
    trace_id, _, traceparent = parent()
    assert await ask(running, "/orders", "stranger", traceparent=traceparent) == 401
    spans = await receiver.trace(trace_id, 2)
    request = spans["GET /orders"]
    assert (request.attributes["http.response.status_code"], request.failed) == (401, False)
    assert request.attributes["gatepost.error"] == "900901"
    assert spans["authorize"].attributes == {"gatepost.error": "900901"}


async def test_an_upstreams_failure_is_one_of_both_spans(
    running: Running, backend: RawUpstream, receiver: Receiver
) -> None:
    trace_id, _, traceparent = parent()
    backend.reset(says(answer("500 Broken", b"broken")))
    assert await ask(running, "/open", method="POST", traceparent=traceparent) == 500
    spans = await receiver.trace(trace_id, 2)
    for name in ("POST /open", "POST"):
        assert spans[name].failed
        assert spans[name].attributes["error.type"] == "500"
    backend.reset()


async def test_other_requests_have_a_span_each(running: Running, receiver: Receiver) -> None:
    for path, name, status in (
        ("/jwks", "GET /jwks", 200),
        ("/nowhere", "GET", 404),
    ):
        trace_id, caller, traceparent = parent()
        assert await ask(running, path, traceparent=traceparent) == status
        span = (await receiver.trace(trace_id, 1))[name]
        assert (span.kind, span.parent_id) == ("server", caller)
        assert span.attributes["http.response.status_code"] == status


async def test_an_upstream_that_can_not_be_reached_is_named(start: Start, receiver: Receiver) -> None:
    running = start(traced_configuration("http://127.0.0.1:1"), **receiver.environment)
    trace_id, _, traceparent = parent()
    assert await ask(running, "/open", traceparent=traceparent) == 502
    call = (await receiver.trace(trace_id, 2))["GET"]
    assert call.failed
    assert call.attributes["error.type"] == "broken"
    assert (call.attributes["server.address"], call.attributes["server.port"]) == ("127.0.0.1", 1)


async def test_the_ratio_decides_where_the_caller_says_nothing(
    start: Start, backend: RawUpstream, receiver: Receiver
) -> None:
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    running = start(traced_configuration(backend.url), **receiver.environment, **sampler)
    backend.reset()
    assert await ask(running, "/open") == 200
    sent = await backend.next()
    assert (sent.header("traceparent") or "").endswith("-00"), "the upstream is told"
    trace_id, _, traceparent = parent()
    assert await ask(running, "/open", traceparent=traceparent) == 200
    await receiver.trace(trace_id, 2)
    assert sent.header("x-request-id") not in {span.trace_id for span in receiver.spans}


async def test_with_the_plugin_trace_there_is_one_trace(
    start: Start, backend: RawUpstream, receiver: Receiver
) -> None:
    config = traced_configuration(backend.url) | {"plugins": [{"use": "trace"}]}
    running = start(config, **receiver.environment)
    backend.reset()
    assert await ask(running, "/open") == 200
    sent = await backend.next()
    trace_id = sent.header("x-request-id") or ""
    call = (await receiver.trace(trace_id, 2))["GET"]
    assert sent.header("traceparent") == f"00-{trace_id}-{call.span_id}-01"
    await running.line(f'"trace_id": "{trace_id}"')
