"""Headers of the PROXY protocol, with the examples of its specification and of the wire."""

import socket

import pytest

from gateway.http.exchange import UNKNOWN_ADDRESS
from gateway.process.proxy_protocol import MAX_HEADER, ProxyHeader, ProxyHeaderError, parse_proxy_header

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.1") + b"\x10\x00\x01\xbb"
V6 = b"".join(socket.inet_pton(socket.AF_INET6, one) for one in ("2001:db8::7", "2001:db8::1")) + bytes(4)
TLV = b"\x04\x00\x05hello" + b"\x20\x00\x01\x00"


def v2(content: bytes, command: int = 0x21, family: int = 0x11, length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    return SIGNATURE + bytes([command, family]) + size.to_bytes(2, "big") + content


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n", "192.0.2.7"),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
        (b"PROXY TCP6 2001:DB8::7 2001:db8::1 0 443\r\n", "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 443\r\n", "192.0.2.7"),
        (b"PROXY UNKNOWN\r\n", UNKNOWN_ADDRESS),
        (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", UNKNOWN_ADDRESS),
        (v2(V4), "192.0.2.7"),
        (v2(V4 + TLV), "192.0.2.7"),
        (v2(V6, family=0x21), "2001:db8::7"),
        (v2(bytes(216), family=0x31), UNKNOWN_ADDRESS),
        (v2(b"", family=0x00), UNKNOWN_ADDRESS),
        (v2(TLV, family=0x00), UNKNOWN_ADDRESS),
        (v2(b"", command=0x20, family=0x00), None),
        (v2(V4, command=0x20), None),
    ],
)
def test_a_header_names_the_client_and_ends_before_what_follows(header: bytes, address: str | None) -> None:
    for rest in (b"", b"GET / HTTP/1.1\r\n"):
        assert parse_proxy_header(header + rest) == ProxyHeader(len(header), address)
    assert {parse_proxy_header(header[:size]) for size in range(len(header))} == {None}


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01",
        b"proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 01 2\r\n",
        b"PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.07 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.256 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n",
        b"PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n\r\n",
        b"PROXY UNKNOWN" + b" " * 107,
        b"PROXY TCP4 " + b"1" * 107,
        v2(V4, command=0x11),
        v2(V4, command=0x22),
        v2(V4, family=0x12),
        v2(V4, family=0x41),
        v2(V4[:11]),
        v2(V4, family=0x21),
        v2(b"", length=MAX_HEADER),
        SIGNATURE[:-1] + b"\x00" + bytes(8),
    ],
)
def test_anything_else_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(ProxyHeaderError, match=r"^its? "):
        parse_proxy_header(data)
