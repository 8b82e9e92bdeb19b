import pytest
from pydantic import ValidationError

from gateway.exchange import Exchange
from gateway.plugin import PluginContext
from plugins.request_id import RequestId, RequestIdConfig
from tests.proxy.routing import request, route


def test_the_answer_carries_the_id() -> None:
    exchange = Exchange(request("/"), route("/"), "id-1")
    RequestId(RequestIdConfig(header="X-Trace"), PluginContext(lambda: 0.0)).on_request(exchange)
    assert exchange.answer_headers == [(b"X-Trace", b"id-1")]


@pytest.mark.parametrize("header", ["", "X Id", "X:Id", "X-Id\r\nEvil"])
def test_a_header_that_cannot_be_sent_is_refused(header: str) -> None:
    with pytest.raises(ValidationError):
        RequestIdConfig(header=header)
