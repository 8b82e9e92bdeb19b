"""What a gateway loads: what its configuration asks for, and that before it says that it is ready."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.e2e.conftest import StartGateway, configuration, token
from tests.raw import RawUpstream

NOT_ASKED_FOR = {
    "acme",
    "babel",
    "gateway.edge",
    "gateway.export",
    "gateway.otel.pipeline",
    "gateway.portal",
    "grpc",
    "gunicorn",
    "jinja2",
    "multiprocessing",
    "opentelemetry",
    "prometheus_client",
    "redis",
    "webauthn",
    "zxcvbn",
}
LIMIT = {"use": "rate_limit", "with": {"limit": 1000, "per": "1m"}}


@pytest.mark.parametrize("plugins", [[], [LIMIT]], ids=["bare", "rate_limit"])
async def test_a_gateway_has_loaded_what_requests_need_when_it_is_ready_and_nothing_else(
    gateway: StartGateway, upstream: RawUpstream, plugins: list[dict[str, Any]]
) -> None:
    running = gateway(configuration(upstream.url, plugins=plugins), PYTHONPROFILEIMPORTTIME="1")
    at_the_start = imports(running.lines)
    assert {name for name in NOT_ASKED_FOR if name in at_the_start} == set()
    given = await token(running, scope="orders.read")
    for _ in range(2):
        async with await running.connect() as connection:
            head = f"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {given['access_token']}\r\n\r\n"
            answer = await connection.ask(head.encode())
            assert answer.status == 200
    later = imports(running.lines) - at_the_start
    assert {name for name in later if name.partition(".")[0] not in sys.stdlib_module_names} == set()


def imports(lines: list[str]) -> set[str]:
    """The modules that Python says that it has imported."""
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
