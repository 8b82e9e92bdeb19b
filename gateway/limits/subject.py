"""The subject of a limit: requests of one subject are counted together."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from gateway.http.exchange import Exchange
from gateway.http.token_syntax import TCHAR
from gateway.runtime.caches import MIB, cached, register

BY = re.compile(rf"client|address|route|header:{TCHAR}{{1,128}}")
NETWORK_BITS = 64
"""Of an IPv6 address: a host has a whole /64."""
MAX_HEADER_VALUE = 256


class Subject:
    """The key of a limit: `client`, `address`, `route` or `header:NAME`."""

    def __init__(self, by: str) -> None:
        if not BY.fullmatch(by):
            raise ValueError("must be client, address, route or header:NAME")
        self.by = by
        self.needs_caller = by == "client"
        """Whether the client must be authenticated first."""
        self.idle = ("on_request",) if self.needs_caller else ("on_authorized",)
        """The hook in which a plugin does not count, since it counts in the other one."""
        self._header = by.removeprefix("header:").lower().encode() if by.startswith("header:") else None

    def of(self, exchange: Exchange) -> str:
        """The subject of a request: its address where it has no client or no such header."""
        caller = exchange.token
        if self.needs_caller and caller is not None:
            return client_subject(caller.issuer, caller.client)
        if self.by == "route":
            return "r"
        if self._header is not None:
            value = exchange.request.value(self._header)
            if value is not None:
                return f"h {value[:MAX_HEADER_VALUE].decode('latin-1')}"
        return address_subject(exchange.request.peer.address)


def client_subject(issuer: str, client_id: str) -> str:
    """A client that an issuer knows."""
    return f"c {issuer} {client_id}"


_ADDRESSES = register(
    "addresses as subjects of limits", __name__, entries=4096, key_bytes=64, total_bytes=2 * MIB
)


@cached(_ADDRESSES)
def address_subject(address: str) -> str:
    """An IPv4 address, or an IPv6 /64."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return f"a {address}"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"a6 {int(parsed) >> (128 - NETWORK_BITS):x}"
    return f"a {getattr(parsed, 'ipv4_mapped', None) or parsed}"
