"""Whose requests are counted together."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from gateway.exchange import Exchange

BY = re.compile(r"client|address|route|header:[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
NETWORK_BITS = 64
"""Of an IPv6 address: whoever has one has all of its /64."""
LONGEST = 256


class Subject:
    """What a limit goes by: `client`, `address`, `route` or `header:NAME`."""

    def __init__(self, by: str) -> None:
        if not BY.fullmatch(by):
            raise ValueError("must be client, address, route or header:NAME")
        self.by = by
        self.needs_caller = by == "client"
        """Whether the caller must be known first."""
        self.idle = ("on_request",) if self.needs_caller else ("on_authorized",)
        """The hook in which a plugin does not count, because it does in the other one."""
        self._header = by.removeprefix("header:").lower().encode() if by.startswith("header:") else None

    def of(self, exchange: Exchange) -> str:
        """The subject of a request. Who can't be told by client or header is told by address."""
        if self.by == "route":
            return "r"
        if self.needs_caller and exchange.caller is not None:
            return f"c {exchange.caller.issuer} {exchange.caller.client}"
        if self._header is not None:
            value = exchange.request.value(self._header)
            if value is not None:
                return f"h {value[:LONGEST].decode('latin-1')}"
        return address_subject(exchange.request.peer.address)


@lru_cache(maxsize=4096)
def address_subject(address: str) -> str:
    """An IPv4 address, or an IPv6 network of a household's size."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return f"a {address}"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"a6 {int(parsed) >> (128 - NETWORK_BITS):x}"
    return f"a {getattr(parsed, 'ipv4_mapped', None) or parsed}"
