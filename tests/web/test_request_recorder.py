import pytest

from gateway.http.exchange import Exchange
from gateway.oauth.model import TokenInfo
from gateway.telemetry import Telemetry
from gateway.telemetry.access_entry import Entry
from gateway.upstream.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamSlow,
    UpstreamUnavailable,
)
from gateway.web.request_recorder import RequestRecorder
from tests.proxy.routing import request, route


@pytest.fixture
def lines() -> list[Entry]:
    return []


@pytest.fixture
def recorder(lines: list[Entry]) -> RequestRecorder:
    return RequestRecorder(Telemetry(), lines.append)


def test_a_request_on_a_route_is_entered_with_its_caller(
    recorder: RequestRecorder, lines: list[Entry]
) -> None:
    caller = TokenInfo("demo", (), (), "demo", 0, 0, "g")
    recorder.exchange(
        Exchange(request("/orders/7?secret"), route("/orders"), "id-1", token=caller), 200, 5, 0.1
    )
    assert lines == [("192.0.2.1", "GET", b"/orders/7", 200, 5, 0.1, "/orders", "demo", "id-1")]
    assert b'route="/orders",status="200"} 1.0' in recorder.telemetry.render()[0]


def test_what_no_route_took_is_entered_too(recorder: RequestRecorder, lines: list[Entry]) -> None:
    recorder.other("-", "GET", b"-", "192.0.2.1", "id-1", 400, 0, 0.1)
    assert lines == [("192.0.2.1", "GET", b"-", 400, 0, 0.1, "-", "-", "id-1")]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UpstreamBroken("x"), "broken"),
        (UpstreamSlow("x"), "slow"),
        (UpstreamUnavailable("x"), "unavailable"),
        (UpstreamOverloaded("x"), "overloaded"),
        (UpstreamError("x"), "broken"),
    ],
)
def test_failures_of_an_upstream_are_counted_by_kind(
    recorder: RequestRecorder, error: UpstreamError, kind: str
) -> None:
    recorder.upstream_failed(Exchange(request("/"), route("/"), "id-1"), error)
    expected = f'gatepost_upstream_failures_total{{kind="{kind}",upstream="orders"}} 1.0'
    assert expected.encode() in recorder.telemetry.render()[0]


def test_without_an_access_log_it_only_counts() -> None:
    RequestRecorder(Telemetry(), None).exchange(Exchange(request("/"), route("/"), "id-1"), 200, 0, 0.1)
