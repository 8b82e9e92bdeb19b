"""From where a client may ask for tokens and use them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from gateway.runtime.caches import MIB, cached_by_size, register

_NAT64: Final = IPv6Network("64:ff9b::/96")
_UNICAST: Final = IPv6Network("2000::/3")
"""RFC 4291 section 2.4: all of IPv6 that is given to the public Internet."""
_SPECIAL: Final = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
)
"""Further networks of the IANA registries of special-purpose addresses (RFC 6890). Which of them Python calls
global depends on its version.
"""
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
"""The last label of a host that is a number in some spelling (URL standard, section 3.5)."""


def _size(networks: tuple[str, ...], address: str) -> int:
    return sum(map(len, networks)) + 50 * len(networks) + len(address)


_INSIDE: Final = register("addresses of clients", __name__, entries=4096, key_bytes=1024, total_bytes=8 * MIB)


@cached_by_size(_INSIDE, _size)
def _is_inside(networks: tuple[str, ...], address: str) -> bool:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        # Nobody knows where an unknown address is.
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(mapped in ip_network(network) for network in networks)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public Internet."""
    parsed = _inner(address)
    if parsed is None or not parsed.is_global or parsed.is_multicast:
        return False
    if isinstance(parsed, IPv6Address) and parsed not in _UNICAST:
        return False
    return not any(parsed in network for network in _SPECIAL)


def may_be_public(host: str) -> bool:
    """Whether a URL's host is a public address, or a name, which is yet to be resolved."""
    try:
        ip_address(host)
    except ValueError:
        # A number, as 2130706433 or 127.1, is an address to some resolvers, and no name.
        return bool(host) and not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2])
    return is_public(host)


def is_inside(networks: Sequence[str], address: str) -> bool:
    """Whether an address lies in one of the networks, or there are none. An unknown address is outside."""
    return not networks or _is_inside(tuple(networks), address)


_METADATA: Final = frozenset(
    {IPv4Address("100.100.100.200"), IPv4Address("192.0.0.192"), IPv6Address("fd00:ec2::254")}
)
"""Where clouds tell a machine its credentials outside of the link-local addresses."""


def is_link_local(address: str) -> bool:
    """Whether an IP address is link-local, or that of a cloud's metadata service. A name is not."""
    parsed = _inner(address)
    return parsed is not None and (parsed.is_link_local or parsed in _METADATA)


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own. A name is not."""
    parsed = _inner(address)
    return parsed is not None and parsed.is_loopback


def _inner(address: str) -> IPv4Address | IPv6Address | None:
    """The address, or the IPv4 address that a transition address leads to; None: it is none."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        if parsed in _NAT64:
            return IPv4Address(parsed.packed[-4:])
        return parsed.ipv4_mapped or parsed.sixtofour or parsed
    return parsed
