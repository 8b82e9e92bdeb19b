import pytest

from gateway.http.exchange import Header, ResponseHead
from gateway.http.upgrade import asked_upgrade, upgrade_lines, upgraded_headers
from tests.proxy.routing import request

CONNECTION = (b"Connection", b"keep-alive, Upgrade")


def asked(*headers: Header, method: str = "GET") -> bytes | None:
    return asked_upgrade(request("/", method, "localhost", *headers))


@pytest.mark.parametrize("protocol", [b"websocket", b"WebSocket", b"foo/2"])
def test_another_protocol_can_be_asked_for(protocol: bytes) -> None:
    assert asked(CONNECTION, (b"Upgrade", protocol)) == protocol


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Upgrade", b"websocket")],
        [(b"Connection", b"close"), (b"Upgrade", b"websocket")],
        [CONNECTION],
        [CONNECTION, (b"Upgrade", b"websocket"), (b"Content-Length", b"3")],
        [CONNECTION, (b"Upgrade", b"websocket"), (b"Transfer-Encoding", b"chunked")],
        [CONNECTION, (b"Upgrade", b"websocket, foo")],
        [CONNECTION, (b"Upgrade", b"bad protocol")],
        [CONNECTION, (b"Upgrade", b"")],
    ],
)
def test_what_is_no_clean_wish_is_ignored(headers: list[Header]) -> None:
    assert asked(*headers) is None


@pytest.mark.parametrize("protocol", [b"h2c", b"H2C", b"h2", b"HTTP/2.0", b"TLS/1.0", b"http/1.1"])
def test_http_in_another_dress_does_not_pass(protocol: bytes) -> None:
    assert asked(CONNECTION, (b"Upgrade", protocol)) is None


def test_the_upstream_is_asked_and_the_caller_told() -> None:
    assert upgrade_lines(b"websocket") == b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    agreed = ResponseHead(101, b"", [(b"upgrade", b"WebSocket")])
    assert upgraded_headers(agreed, b"websocket") == [(b"Connection", b"Upgrade"), (b"Upgrade", b"WebSocket")]
