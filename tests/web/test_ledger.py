from typing import Any

import pytest

from gateway.exchange import Exchange
from gateway.oauth.values import TokenFacts
from gateway.telemetry import Telemetry
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow, UpstreamUnavailable
from gateway.web.ledger import Ledger
from tests.proxy.routing import request, route


@pytest.fixture
def lines() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def ledger(lines: list[dict[str, Any]]) -> Ledger:
    return Ledger(Telemetry(), lambda **line: lines.append(line))


def test_a_request_on_a_route_is_entered_with_its_caller(ledger: Ledger, lines: list[dict[str, Any]]) -> None:
    caller = TokenFacts("demo", (), (), "demo", 0, 0, "g")
    ledger.exchange(
        Exchange(request("/orders/7?secret"), route("/orders"), "id-1", caller=caller), 200, 5, 0.1
    )
    assert lines[0]["path"] == "/orders/7"
    assert (lines[0]["route"], lines[0]["client"], lines[0]["status"]) == ("/orders", "demo", 200)
    assert b'route="/orders",status="200"} 1.0' in ledger.telemetry.render()[0]


def test_what_no_route_took_is_entered_too(ledger: Ledger, lines: list[dict[str, Any]]) -> None:
    ledger.other("-", "GET", "-", "192.0.2.1", "id-1", 400, 0, 0.1)
    assert (lines[0]["address"], lines[0]["path"], lines[0]["client"]) == ("192.0.2.1", "-", "-")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UpstreamBroken("x"), "broken"),
        (UpstreamSlow("x"), "slow"),
        (UpstreamUnavailable("x"), "unavailable"),
        (UpstreamError("x"), "broken"),
    ],
)
def test_failures_of_an_upstream_are_counted_by_kind(ledger: Ledger, error: UpstreamError, kind: str) -> None:
    ledger.upstream_failed(Exchange(request("/"), route("/"), "id-1"), error)
    expected = f'gatepost_upstream_failures_total{{kind="{kind}",upstream="orders"}} 1.0'
    assert expected.encode() in ledger.telemetry.render()[0]


def test_without_an_access_log_it_only_counts() -> None:
    Ledger(Telemetry(), None).exchange(Exchange(request("/"), route("/"), "id-1"), 200, 0, 0.1)
