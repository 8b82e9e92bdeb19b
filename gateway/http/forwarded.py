"""Who really sent a request: what a trusted proxy says of it, and nobody else (RFC 7239, RFC 9440).

Proxies say it in X-Forwarded-For, -Proto and -Host, or in Forwarded. Where both stand in a request and say
different things, one of them may be the client's own, passed through: then neither is believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from gateway.http.client_certificate import CLIENT_CERT, certificate_reader
from gateway.http.exchange import UNIX_SOCKET, UNKNOWN_ADDRESS, Header, Peer, header_values
from gateway.http.request_head import valid_host
from gateway.http.token_syntax import TOKEN
from gateway.runtime.caches import MIB, cached, cached_unchecked, register

Network = IPv4Network | IPv6Network
MAX_HOPS = 32
LONGEST_NODE = 64
"""Characters of a hop's address with brackets and port: more is none."""
_TRUSTED = register("trusted addresses", __name__, entries=4096, key_bytes=LONGEST_NODE, total_bytes=2 * MIB)
_PEERS = register("peers", __name__, entries=4096, total_bytes=3 * MIB)
_HOPS = register("addresses of hops", __name__, entries=4096, key_bytes=LONGEST_NODE, total_bytes=2 * MIB)

# RFC 7239 section 4: forwarded-pair = token "=" value, where a value is a token or a quoted-string. Some
# proxies leave out the quotes that an address with a port must have.
_PAIR = re.compile(rf'[ \t]*+({TOKEN})=([^ \t";,]++|"(?:[^"\\]|\\.)*+")[ \t]*+'.encode())
_END_OF_ELEMENT = re.compile(rb"[ \t]*+(?:,[ \t,]*+|\Z)")
# RFC 7239 section 6: an IPv6 address in brackets or an IPv4 address; then perhaps a port.
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]++)\]|([0-9.]++))(?::[0-9A-Za-z._-]{1,16})?\Z")

Hops = list[str | None]
"""Addresses in the order in which the request passed them; None: it can't be read."""


class TrustedProxies:
    """Whose word is believed, and in which header they tell of a client's certificate."""

    def __init__(self, cidrs: Sequence[str], certificate_header: str = CLIENT_CERT) -> None:
        self._trusted = trust(cidrs)
        self.exist = bool(cidrs)
        """Whether there are any."""
        self.certificate = certificate_reader(certificate_header)

    def __call__(self, address: str) -> bool:
        """Whether an address belongs to them."""
        return self._trusted(address)

    def and_address(self, address: str) -> TrustedProxies:
        """These, and the one at this address: it has shown otherwise that it is one."""
        both, own = copy(self), self._trusted
        both._trusted = lambda other: other == address or own(other)
        return both


_RFC_9440 = certificate_reader(CLIENT_CERT)


def trust(cidrs: Sequence[str]) -> Callable[[str], bool]:
    """A test of whether an address belongs to `server.trusted_proxies`."""
    networks: list[Network] = [ip_network(cidr) for cidr in cidrs if cidr != UNIX_SOCKET]
    unix_sockets = UNIX_SOCKET in cidrs
    if not cidrs:
        return lambda address: False

    @cached(_TRUSTED)
    def trusted(address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return unix_sockets and address == UNIX_SOCKET
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(mapped in network for network in networks if network.version == mapped.version)

    return trusted


def direct_peer(address: str, scheme: str, certificate: bytes | None = None) -> Peer:
    """The peer of a connection, as long as nothing is believed that it says of others."""
    if certificate is None:
        return _peer_without_certificate(address, scheme)
    return Peer(address, scheme, _shown(address), None, certificate)


@cached_unchecked(_PEERS)
def _peer_without_certificate(address: str, scheme: str) -> Peer:
    """One for all connections of a client: so that it is seen at once that they are the same."""
    return Peer(address, scheme, _shown(address))


def _shown(address: str) -> bytes:
    """An address as X-Forwarded-For has it (RFC 7239 section 6.2: one without an address is unknown)."""
    return (UNKNOWN_ADDRESS if address == UNIX_SOCKET else address).encode()


def real_peer(connection: Peer, headers: Sequence[Header], trusted: Callable[[str], bool]) -> Peer:
    """The client behind the trusted proxies: the last address in the chain that isn't one of them.

    Where that can't be read, its address is `UNKNOWN_ADDRESS`, never the proxy's. Where the proxy says
    nothing of anybody, it is the client itself. The certificate is the one that the proxy tells of; the
    proxy's own is nobody else's.
    """
    if not trusted(connection.address):
        return connection
    elements = parse_forwarded(header_values(headers, b"forwarded"))
    chains = [
        chain
        for chain in (_forwarded_for(header_values(headers, b"x-forwarded-for")), _nodes(elements))
        if chain
    ]
    address, hops = _agreed(chains, connection.address, trusted)
    last = elements[-1] if elements else {}
    read_certificate = trusted.certificate if isinstance(trusted, TrustedProxies) else _RFC_9440
    return Peer(
        address,
        _scheme(headers, last) or connection.scheme,
        ", ".join([*(hop or UNKNOWN_ADDRESS for hop in hops), connection.forwarded_for.decode()]).encode(
            "latin-1"
        ),
        _host(headers, last),
        read_certificate(headers),
        trusted=True,
        version=connection.version,
        asking=connection.asking,
    )


def _agreed(chains: Sequence[Hops], direct: str, trusted: Callable[[str], bool]) -> tuple[str, Hops]:
    """The client's address and the hops before the proxy, as far as all that is said of them agrees."""
    if not chains:
        return direct, []
    addresses = {_client(chain, trusted) for chain in chains}
    if len(addresses) > 1:
        return UNKNOWN_ADDRESS, [None]
    return addresses.pop(), chains[0][-MAX_HOPS:]


def _client(chain: Hops, trusted: Callable[[str], bool]) -> str:
    for hop in reversed(chain[-MAX_HOPS:]):
        if hop is None:
            return UNKNOWN_ADDRESS
        if not trusted(hop):
            return hop
    return (chain[0] or UNKNOWN_ADDRESS) if len(chain) <= MAX_HOPS else UNKNOWN_ADDRESS


def parse_forwarded(values: Sequence[bytes]) -> list[dict[bytes, bytes]]:
    """The elements of Forwarded, each by its parameters' names in lower case (RFC 7239 section 4).

    What is malformed ends in an element without parameters: nothing is known of the hops before it.
    """
    text, elements, place = b",".join(values), list[dict[bytes, bytes]](), 0
    while place < len(text):
        element: dict[bytes, bytes] = {}
        while (pair := _PAIR.match(text, place)) is not None:
            name, value = pair[1].lower(), pair[2]
            if name in element:
                return [*elements, {}]
            element[name] = _unquoted(value)
            place = pair.end()
            if text[place : place + 1] != b";":
                break
            place += 1
        end = _END_OF_ELEMENT.match(text, place)
        if end is None:
            return [*elements, {}]
        if element:
            elements.append(element)
        place = max(end.end(), place + 1)
    return elements


def _unquoted(value: bytes) -> bytes:
    """A value without the quotes around it."""
    return value[1:-1].replace(b"\\", b"") if value.startswith(b'"') else value


def _nodes(elements: Sequence[dict[bytes, bytes]]) -> Hops:
    return [read_node(element.get(b"for", b"").decode("latin-1")) for element in elements]


def _forwarded_for(values: Sequence[bytes]) -> Hops:
    # RFC 9110 section 5.6.1: empty elements of a list are ignored.
    hops = [hop.strip() for value in values for hop in value.split(b",")]
    return [read_node(hop.decode("latin-1")) for hop in hops if hop]


def read_node(text: str) -> str | None:
    """The address in a hop's name: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`."""
    return _read_node(text) if len(text) <= LONGEST_NODE else None


@cached(_HOPS)
def _read_node(text: str) -> str | None:
    with_port = _WITH_PORT.match(text)
    if with_port is not None:
        text = with_port[1] or with_port[2]
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _scheme(headers: Sequence[Header], last: dict[bytes, bytes]) -> str:
    values = [_last_of(header_values(headers, b"x-forwarded-proto")), last.get(b"proto", b"")]
    said = {value.lower().decode("latin-1") for value in values if value}
    scheme = said.pop() if len(said) == 1 else ""
    return scheme if scheme in ("http", "https") else ""


def _host(headers: Sequence[Header], last: dict[bytes, bytes]) -> bytes | None:
    values = [_last_of(header_values(headers, b"x-forwarded-host")), last.get(b"host", b"")]
    said = {value for value in values if value}
    host = said.pop() if len(said) == 1 else b""
    return host if host and valid_host(host) else None


def _last_of(values: Sequence[bytes]) -> bytes:
    """What the proxy next to the gateway has said: it is the last in the list."""
    return values[-1].rpartition(b",")[2].strip() if values else b""
