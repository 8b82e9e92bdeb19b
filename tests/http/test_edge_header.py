"""What the edge tells of clients, and that nobody else can."""

import base64
from urllib.parse import quote

import pytest

from gateway.http.edge_header import EdgeHeader, EdgeHeaderError, with_websocket_key

EDGE = EdgeHeader("x-0123")
START = b"GET / HTTP/1.1\r\nHost: a\r\n"


def head(value: str, *more: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in (f"x-0123: {value}", *more))
    return START + lines.encode() + b"\r\n"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_the_edges_header_names_the_client_and_is_taken_off(address: str, shown: str) -> None:
    peer, rest = EDGE.take(head(f"https HTTP/2 {address} ", "B: c"))
    assert (peer.address, peer.scheme, peer.forwarded_for) == (shown, "https", shown.encode())
    assert (peer.version, peer.certificate, peer.trusted) == ((2, 0), None, False)
    assert rest == START + b"B: c\r\n\r\n"


def test_the_edges_header_has_the_clients_certificate() -> None:
    der = bytes(range(200))
    text = base64.encodebytes(der).decode()
    pem = quote(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
    peer, _ = EDGE.take(head(f"https HTTP/3 192.0.2.7 {pem}"))
    assert (peer.certificate, peer.version) == (der, (3, 0))


@pytest.mark.parametrize(
    "data",
    [
        START + b"\r\n",
        START + b"x-0124: https HTTP/2 192.0.2.7 \r\n\r\n",
        head("https HTTP/2 192.0.2.7 ", "x-0123: https HTTP/2 192.0.2.8 "),
        head("https HTTP/2 somewhere "),
        head("https HTTP/9 192.0.2.7 "),
        head("ftp HTTP/2 192.0.2.7 "),
        head("https HTTP/2 192.0.2.7 nonsense"),
        head(""),
    ],
)
def test_without_the_edges_header_there_is_no_client(data: bytes) -> None:
    with pytest.raises(EdgeHeaderError):
        EDGE.take(data)


def test_the_same_client_at_the_edge_is_the_same_peer() -> None:
    first, _ = EDGE.take(head("https HTTP/2 192.0.2.77 "))
    second, _ = EDGE.take(head("https HTTP/2 192.0.2.77 ", "B: c"))
    assert first is second


def test_a_websocket_without_a_key_gets_one_at_the_edge() -> None:
    opening = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    assert with_websocket_key(opening, b"k") == opening[:-2] + b"Sec-WebSocket-Key: k\r\n\r\n"
    with_key = opening[:-2] + b"Sec-WebSocket-Key: own\r\n\r\n"
    assert with_websocket_key(with_key, b"k") == with_key
    assert with_websocket_key(START + b"\r\n", b"k") == START + b"\r\n"
