"""The management listener's three answers."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.errors import StoreUnavailable
from gateway.process import readiness as readiness_module
from gateway.process.management import DRAINING, management_app
from gateway.process.readiness import Readiness, ReadinessCheck
from gateway.telemetry import Telemetry


async def answer(
    path: str, ready: ReadinessCheck, telemetry: Telemetry | None = None, *, draining: bool = False
) -> tuple[int, str, str]:
    app = management_app(ready, telemetry or Telemetry())
    if draining:
        app[DRAINING].set()
    async with TestClient(TestServer(app)) as client, client.get(path) as response:
        return response.status, response.headers["Content-Type"], await response.text()


async def readyz(ready: ReadinessCheck, query: str = "", *, draining: bool = False) -> tuple[int, Any]:
    status, content_type, body = await answer("/readyz" + query, ready, draining=draining)
    assert content_type == "application/json; charset=utf-8"
    return status, json.loads(body)


async def fine() -> Readiness:
    """A store that takes everything."""
    return Readiness()


async def full() -> Readiness:
    """A store that answers and takes no tokens."""
    return Readiness(None, "its memory is full", None)


async def broken() -> Readiness:
    raise StoreUnavailable("the store does not answer")


async def stuck() -> Readiness:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("ready", [fine, broken, stuck])
async def test_it_is_healthy_as_long_as_it_runs(ready: ReadinessCheck) -> None:
    assert (await answer("/healthz", ready))[0] == 200


async def test_it_is_ready_when_the_store_takes_everything() -> None:
    status, body = await readyz(fine)
    assert status == 200
    assert body == {
        "status": "ready",
        "can_judge": True,
        "can_issue": True,
        "can_revoke": True,
        "draining": False,
        "reasons": [],
        "warnings": [],
    }


async def test_it_is_ready_while_tokens_can_be_judged_and_says_what_cannot_be_done() -> None:
    status, body = await readyz(full)
    assert status == 200
    assert (body["can_judge"], body["can_issue"], body["can_revoke"]) == (True, False, True)
    assert body["reasons"] == ["its memory is full"]


@pytest.mark.parametrize(("query", "status"), [("?strict", 503), ("?strict=1", 503), ("?strict=false", 200)])
async def test_strictly_it_is_ready_only_if_tokens_can_be_issued_too(query: str, status: int) -> None:
    answered, body = await readyz(full, query)
    assert answered == status
    assert body.get("reason") == ("its memory is full" if status == 503 else None)
    assert (await readyz(fine, query))[0] == 200


async def test_it_says_why_it_is_not_ready() -> None:
    status, body = await readyz(broken)
    assert status == 503
    assert body["reason"] == "the store does not answer"
    assert body["reasons"] == ["the store does not answer"]
    assert not any(body[name] for name in ("can_judge", "can_issue", "can_revoke"))


async def test_a_store_that_never_answers_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness_module, "TIMEOUT", 0.01)
    status, body = await readyz(stuck)
    assert status == 503
    assert "no answer within" in body["reason"]


async def test_while_it_drains_it_is_not_ready() -> None:
    status, body = await readyz(fine, draining=True)
    assert status == 503
    assert body["draining"]
    assert body["reason"] == "the gateway is shutting down"
    assert body["can_issue"], "requests in flight are still served"


async def test_metrics_are_in_prometheus_format() -> None:
    telemetry = Telemetry()
    telemetry.request("/orders", "GET", 200, 0.01)
    status, content_type, body = await answer("/metrics", fine, telemetry)
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    assert 'gatepost_requests_total{method="GET",route="/orders",status="200"} 1.0' in body


async def test_nothing_else_is_there() -> None:
    assert (await answer("/", fine))[0] == 404
