"""The management listener's three answers."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.errors import StoreUnavailable
from gateway.process import management
from gateway.process.management import Ready, management_app
from gateway.telemetry import Telemetry


async def answer(path: str, ready: Ready, telemetry: Telemetry | None = None) -> tuple[int, str, str]:
    app = management_app(ready, telemetry or Telemetry())
    async with TestClient(TestServer(app)) as client, client.get(path) as response:
        return response.status, response.headers["Content-Type"], await response.text()


async def fine() -> None:
    """A store that answers."""


async def broken() -> None:
    raise StoreUnavailable("the store does not answer")


async def stuck() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("ready", [fine, broken, stuck])
async def test_it_is_healthy_as_long_as_it_runs(ready: Ready) -> None:
    assert (await answer("/healthz", ready))[0] == 200


async def test_it_is_ready_when_the_store_answers() -> None:
    assert await answer("/readyz", fine) == (200, "application/json; charset=utf-8", '{"status": "ready"}')


async def test_it_says_why_it_is_not_ready() -> None:
    status, _, body = await answer("/readyz", broken)
    assert status == 503
    assert body == '{"status": "not ready", "reason": "the store does not answer"}'


async def test_a_store_that_never_answers_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(management, "DEADLINE", 0.01)
    status, _, body = await answer("/readyz", stuck)
    assert status == 503
    assert "no answer within" in body


async def test_metrics_are_in_prometheus_format() -> None:
    telemetry = Telemetry()
    telemetry.request("/orders", "GET", 200, 0.01)
    status, content_type, body = await answer("/metrics", fine, telemetry)
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    assert 'gatepost_requests_total{method="GET",route="/orders",status="200"} 1.0' in body


async def test_nothing_else_is_there() -> None:
    assert (await answer("/", fine))[0] == 404
