"""A collector that is down, slow or refuses costs spans, never requests."""

from __future__ import annotations

import re
import secrets
import signal
import socket
from collections.abc import Iterator

import aiohttp
import pytest

from tests.e2e.conftest import StartGateway, configuration
from tests.otel_receiver import Receiver, otel_receiver
from tests.raw import RawUpstream, until
from tests.running import Running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with otel_receiver() as made:
        yield made


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The URL of a port that nobody else can take, and nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "50"}
SMALL = {"OTEL_BSP_MAX_QUEUE_SIZE": "4", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2"}


async def ask(running: Running, number: int = 1) -> None:
    """Requests that are all answered well."""
    async with aiohttp.ClientSession() as session:
        for _ in range(number):
            async with session.get(f"{running.http}/open") as response:
                assert (response.status, await response.text()) == (200, "hello")


async def lost(running: Running) -> float:
    """The spans that `/metrics` says are lost."""
    async with aiohttp.ClientSession() as session, session.get(f"{running.management}/metrics") as response:
        found = re.search(r'^gatepost_otel_lost_total\{signal="traces"\} (\S+)$', await response.text(), re.M)
        assert found is not None
        return float(found[1])


async def until_lost(running: Running) -> None:
    for _ in range(200):
        if await lost(running):
            return
        await ask(running)
    pytest.fail(f"no span is lost\n{running.output}")


async def test_spans_for_a_collector_that_is_down_are_dropped_and_counted(
    gateway: StartGateway, upstream: RawUpstream, nowhere: str
) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": nowhere, **TRACES, **SMALL}
    running = gateway(configuration(upstream.url), workers=2, **environment)
    await ask(running, 20)
    await until_lost(running)
    running.signal(signal.SIGTERM)
    assert await running.ended() == 0


async def test_a_collector_that_hangs_holds_up_neither_requests_nor_the_end(
    gateway: StartGateway, upstream: RawUpstream, receiver: Receiver
) -> None:
    receiver.gate.clear()
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, **TRACES, **SMALL}
    running = gateway(configuration(upstream.url), **environment)
    await ask(running, 20)
    await until_lost(running)
    running.signal(signal.SIGTERM)
    assert await running.ended() == 0
    assert receiver.spans == []


async def test_the_log_says_once_that_a_collector_refuses_and_once_that_it_no_longer_does(
    gateway: StartGateway, upstream: RawUpstream, receiver: Receiver
) -> None:
    logging = {"level": "info", "format": "text", "access": False}
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, **TRACES}
    running = gateway(configuration(upstream.url, logging=logging), **environment)
    receiver.status = 400
    for number in (1, 2):
        await ask(running)
        await until(lambda number=number: receiver.refused >= number)
    await running.line("the collector does not take spans")
    receiver.status = 200
    await ask(running)
    await running.line("the collector takes spans again")
    said = [line for line in running.lines if "OpenTelemetry" in line or "opentelemetry" in line]
    assert len(said) == 2, said
    assert await lost(running) == 2 * 2, "two requests, two spans each"


@pytest.mark.parametrize("workers", [1, 2])
async def test_what_waits_is_sent_at_the_end(
    gateway: StartGateway, upstream: RawUpstream, receiver: Receiver, workers: int
) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, **TRACES, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
    running = gateway(configuration(upstream.url), workers=workers, **environment)
    trace_id = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{running.http}/open") as response,
    ):
        assert response.status == 200
    running.signal(signal.SIGTERM)
    assert await running.ended() == 0
    assert {span.name for span in receiver.spans if span.trace_id == trace_id} == {"GET /open", "GET"}


async def test_without_variables_nothing_of_opentelemetry_is_loaded(
    gateway: StartGateway, upstream: RawUpstream
) -> None:
    running = gateway(configuration(upstream.url))
    await ask(running)
    maps = await _maps(running.pid)
    assert "python" in maps
    assert "google/_upb" not in maps, "protobuf's library"


async def _maps(pid: int) -> str:
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:  # noqa: ASYNC230 (a test may wait)
        return file.read()
