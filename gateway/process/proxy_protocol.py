"""The PROXY protocol, versions 1 and 2: a proxy says whose connection it hands on.

https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.http.exchange import UNKNOWN_ADDRESS

MAX_HEADER = 4096
"""Bytes of a whole header, with the extensions (TLV) of version 2."""

_MAX_V1 = 107
"""Section 2.1: the longest line, with its CRLF."""
_V1, _V2 = b"PROXY ", b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEAD = 16
# Section 2.1: exactly one space between two words; addresses and ports without leading zeros.
_V1_LINE = re.compile(
    rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]{2,39}) ([0-9A-Fa-f.:]{2,39}) ([0-9]{1,5}) ([0-9]{1,5})\r\n"
)
_V1_UNKNOWN = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*+)?\r\n")
_MAX_PORT = 65_535
_VERSION, _LOCAL, _PROXY = 2, 0, 1
_FAMILIES = {0x00: 0, 0x11: 12, 0x21: 36, 0x31: 216}
"""Section 2.2: bytes of the addresses by family and protocol: none, TCP over IPv4 and IPv6, Unix stream."""
_TCP4, _TCP6 = 0x11, 0x21


class ProxyHeaderError(ValueError):
    """A connection that does not begin with a valid header. The text says why."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A header."""

    size: int
    """Its bytes. What follows belongs to the client."""
    address: str | None
    """The client's IP address; `UNKNOWN_ADDRESS`; None: the proxy speaks for itself (LOCAL)."""


def parse_proxy_header(data: bytes) -> ProxyHeader | None:
    """The header that a connection begins with; None: more bytes are needed.

    ProxyHeaderError if there is none, or it is malformed.
    """
    if data.startswith(_V2):
        return _version_2(data)
    if data.startswith(_V1):
        return _version_1(data)
    if _V2.startswith(data) or _V1.startswith(data):
        return None
    raise ProxyHeaderError("it does not begin with a PROXY protocol header")


def _version_1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _MAX_V1)
    if end < 0:
        if len(data) >= _MAX_V1:
            raise ProxyHeaderError("its PROXY line is longer than 107 bytes")
        return None
    line = data[: end + 2]
    if _V1_UNKNOWN.fullmatch(line):
        return ProxyHeader(len(line), UNKNOWN_ADDRESS)
    found = _V1_LINE.fullmatch(line)
    if found is None:
        raise ProxyHeaderError("its PROXY line is malformed")
    source, target = (_v1_address(found[1], found[place]) for place in (2, 3))
    if not (_is_port(found[4]) and _is_port(found[5]) and target):
        raise ProxyHeaderError("its PROXY line is malformed")
    return ProxyHeader(len(line), source)


def _v1_address(family: bytes, text: bytes) -> str:
    wanted = IPv4Address if family == b"TCP4" else IPv6Address
    try:
        return _plain(wanted(text.decode()))
    except ValueError:
        raise ProxyHeaderError("its PROXY line has a malformed address") from None


def _is_port(text: bytes) -> bool:
    return int(text) <= _MAX_PORT and (text == b"0" or not text.startswith(b"0"))


def _version_2(data: bytes) -> ProxyHeader | None:
    if len(data) < _V2_HEAD:
        return None
    version, command, family = data[12] >> 4, data[12] & 15, data[13]
    if version != _VERSION or command not in (_LOCAL, _PROXY):
        raise ProxyHeaderError("its PROXY protocol version or command is not known")
    length = int.from_bytes(data[14:_V2_HEAD], "big")
    size = _V2_HEAD + length
    if size > MAX_HEADER:
        raise ProxyHeaderError(f"its PROXY protocol header is longer than {MAX_HEADER} bytes")
    # Section 2.2: with LOCAL the receiver ignores the addresses, whatever their family.
    if command == _PROXY and length < _FAMILIES.get(family, MAX_HEADER):
        raise ProxyHeaderError("its PROXY protocol header has an unknown family or is too short")
    if len(data) < size:
        return None
    return ProxyHeader(size, None if command == _LOCAL else _v2_address(family, data[_V2_HEAD:size]))


def _v2_address(family: int, content: bytes) -> str:
    """The source address. What follows the addresses are extensions (TLV), which are not read."""
    if family == _TCP4:
        return _plain(ip_address(content[:4]))
    return _plain(ip_address(content[:16])) if family == _TCP6 else UNKNOWN_ADDRESS


def _plain(address: IPv4Address | IPv6Address) -> str:
    return str(getattr(address, "ipv4_mapped", None) or address)
