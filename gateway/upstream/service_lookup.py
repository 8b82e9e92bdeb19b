"""Looks up the servers of a service in DNS (RFC 2782, SRV records)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.rdtypes.IN.SRV import SRV

TIMEOUT = 3.0
"""Seconds for an answer, with all its repetitions."""


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """One server of a service."""

    host: str
    port: int
    priority: int
    """Those with the lowest number are used as long as one of them can be."""
    weight: int
    """Its share among those with the same priority."""


@dataclass(frozen=True, slots=True)
class ServiceRecords:
    """What DNS says of a service."""

    targets: tuple[ServiceTarget, ...]
    """Sorted. Empty: the service is not available."""
    lifetime: float
    """Seconds until it should be asked again."""


ServiceLookup = Callable[[str], Awaitable[ServiceRecords]]
"""The servers of a service such as `_http._tcp.orders.example.org`. Raises OSError without an answer."""


def service_lookup(nameservers: Sequence[tuple[str, int]] = ()) -> ServiceLookup:
    """Asks these name servers, by address and port, or the system's."""
    # Imported here: few gateways look for SRV records, and every start would pay for it.
    import dns.asyncresolver  # noqa: PLC0415 (see above)

    resolver = dns.asyncresolver.Resolver(configure=not nameservers)
    resolver.lifetime = TIMEOUT
    if nameservers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in nameservers]

    async def look_up(name: str) -> ServiceRecords:
        try:
            # With a dot at its end, no search domain is tried.
            answer = await resolver.resolve(name.rstrip(".") + ".", "SRV")
        except dns.exception.DNSException as error:
            raise OSError(f"{name}: {type(error).__name__}") from error
        ttl = 0 if answer.rrset is None else answer.rrset.ttl
        return ServiceRecords(targets(list(answer)), float(ttl))

    return look_up


def targets(records: Sequence[SRV]) -> tuple[ServiceTarget, ...]:
    """The servers that records name."""
    found = []
    for record in records:
        host = record.target.to_text(omit_final_dot=True)
        # RFC 2782: the target "." means that the service is not available at this domain.
        if host not in (".", "", "@"):
            found.append(ServiceTarget(host.lower(), record.port, record.priority, record.weight))
    return tuple(sorted(found, key=lambda one: (one.priority, one.host, one.port)))
