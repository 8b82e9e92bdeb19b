"""Metrics and lines of the log by OTLP, from real gateways."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import CLIENT, StartGateway, configuration, token
from tests.otel_receiver import Receiver, attributes, otel_receiver
from tests.raw import LIMIT, RawUpstream, until
from tests.running import Running

SECRET_QUERY = "secret-in-the-query"
LOGGING = {"level": "info", "format": "json", "access": True, "fields": ["agent", "upstream", "trace_id"]}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with otel_receiver() as made:
        yield made


async def ask(running: Running, number: int, path: str = "/open", **headers: str) -> None:
    """Requests on connections of their own, so that both workers may get some."""
    for _ in range(number):
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(running.http + path) as response,
        ):
            await response.read()


async def scrape(running: Running, requests: int) -> str:
    """`/metrics`, when it has so many requests: a worker knows those of the others a second later."""
    wanted = f'gatepost_requests_total{{method="GET",route="/open",status="200"}} {requests}.0\n'
    deadline = time.monotonic() + LIMIT
    while True:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{running.management}/metrics") as response,
        ):
            text = await response.text()
        if wanted in text:
            return text
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.05)


def requests_counted(export: dict[str, Any], route: str = "/open") -> int:
    """The requests of a route, as one export has them."""
    metric = export.get("gatepost_requests")
    if metric is None:
        return 0
    points = [point for point in metric.sum.data_points if attributes(point.attributes)["route"] == route]
    return sum(int(point.as_int) for point in points)


def latest(receiver: Receiver) -> dict[str, Any]:
    exports = receiver.metrics
    return exports[-1] if exports else {}


async def test_the_metrics_of_all_workers_are_exported_once_and_say_what_is_scraped(
    gateway: StartGateway, upstream: RawUpstream, receiver: Receiver
) -> None:
    running = gateway(configuration(upstream.url), workers=2, **receiver.environment)
    await ask(running, 20)
    await until(lambda: requests_counted(latest(receiver)) == 20)
    export, scraped = latest(receiver), await scrape(running, 20)
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", scraped, re.M))
    with_values = {name for name in kinds if re.search(rf"^{name}(?:_bucket)?[ {{]", scraped, re.M)}
    assert set(export) <= {name.removesuffix("_total") for name in with_values}
    assert {"gatepost_build_info", "gatepost_requests", "gatepost_store_calls"} <= set(export)
    (workers,) = export["gatepost_workers"].gauge.data_points
    assert workers.as_double == 2

    durations = export["gatepost_request_duration_seconds"]
    (point,) = [
        point for point in durations.histogram.data_points if attributes(point.attributes)["route"] == "/open"
    ]
    buckets = re.findall(
        r'^gatepost_request_duration_seconds_bucket\{le="([^"]+)",route="/open"\} (\S+)$', scraped, re.M
    )
    assert [float(bound) for bound, _ in buckets[:-1]] == list(point.explicit_bounds)
    assert point.count == sum(point.bucket_counts) == 20
    assert [sum(point.bucket_counts[: place + 1]) for place in range(len(buckets))] == [
        float(total) for _, total in buckets
    ]
    assert durations.unit == "s"
    assert durations.histogram.aggregation_temporality == 2, "cumulative"
    assert export["gatepost_requests"].sum.is_monotonic

    counts = [requests_counted(export) for export in receiver.metrics]
    assert counts == sorted(counts), "one exporter: the sum never goes back"
    starts = {
        point.start_time_unix_nano
        for export in receiver.metrics
        if "gatepost_requests" in export
        for point in export["gatepost_requests"].sum.data_points
    }
    assert len(starts) == 1


async def test_another_worker_exports_when_the_one_that_did_is_killed(
    gateway: StartGateway, upstream: RawUpstream, receiver: Receiver
) -> None:
    running = gateway(configuration(upstream.url), workers=2, **receiver.environment)
    await until(lambda: latest(receiver))
    killed = set(running.children())
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    await until(lambda: (left := set(running.children())) and not left & killed)
    before = len(receiver.metrics)
    await until(lambda: len(receiver.metrics) > before + 1)
    await ask(running, 1)
    await until(lambda: requests_counted(latest(receiver)) == 1)


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_last_export_has_everything_that_was_counted(
    gateway: StartGateway, upstream: RawUpstream, receiver: Receiver, workers: int
) -> None:
    environment = {**receiver.environment, "OTEL_METRIC_EXPORT_INTERVAL": "600000"}
    running = gateway(configuration(upstream.url), workers=workers, **environment)
    await ask(running, 10)
    assert receiver.metrics == []
    running.signal(signal.SIGTERM)
    assert await running.ended() == 0
    assert requests_counted(latest(receiver)) == 10


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_log_is_sent_with_its_traces(
    gateway: StartGateway, upstream: RawUpstream, receiver: Receiver, workers: int
) -> None:
    dead = {"path": "/dead", "upstream": "http://127.0.0.1:1", "auth": "none"}
    config = configuration(upstream.url, logging=LOGGING)
    config["routes"].append(dead)
    running = gateway(config, workers=workers, **receiver.environment)
    issued = (await token(running, scope="orders.read"))["access_token"]
    trace_id = secrets.token_hex(16)
    headers = {
        "Authorization": f"Bearer {issued}",
        "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
        "User-Agent": "shop/1",
    }
    await ask(running, 1, f"/orders/7?key={SECRET_QUERY}", **headers)
    await until(lambda: [log for log in receiver.logs if log.trace_id == trace_id])
    (line,) = [log for log in receiver.logs if log.trace_id == trace_id]
    span = (await receiver.trace(trace_id, 4))["GET /orders"]
    assert (line.body, line.severity, line.span_id) == ("GET /orders/7 200", "info", span.span_id)
    expected = {
        "client.address": "127.0.0.1",
        "http.request.method": "GET",
        "url.path": "/orders/7",
        "http.response.status_code": 200,
        "http.response.body.size": 5,
        "http.route": "/orders",
        "gatepost.client": CLIENT,
        "gatepost.request_id": span.attributes["gatepost.request_id"],
        "user_agent.original": "shop/1",
        "gatepost.upstream": upstream.url,
    }
    assert {**line.attributes, "gatepost.seconds": 0} == {**expected, "gatepost.seconds": 0}
    assert line.attributes["gatepost.seconds"] > 0
    await ask(running, 1, "/dead")
    await until(lambda: [log for log in receiver.logs if "upstream failure" in log.body])
    (failure,) = [log for log in receiver.logs if "upstream failure" in log.body]
    assert failure.severity == "warning"
    everything = b"".join(receiver.bodies)
    assert SECRET_QUERY.encode() not in everything
    assert issued.encode() not in everything


async def test_the_log_goes_on_being_sent_after_a_reload_and_does_not_feed_itself(
    gateway: StartGateway, upstream: RawUpstream, receiver: Receiver
) -> None:
    logging = {"level": "debug", "format": "json", "access": True}
    running = gateway(configuration(upstream.url, logging=logging), **receiver.environment)
    running.write(running.file.read_text() + "\n# changed\n")
    running.signal(signal.SIGHUP)
    await until(lambda: [log for log in receiver.logs if "reload" in log.body])
    await ask(running, 1)
    await until(lambda: [log for log in receiver.logs if log.body == "GET /open 200"])
    assert not [log for log in receiver.logs if "/v1/" in log.body], "what sends is not told of"
