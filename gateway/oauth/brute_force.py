"""Protection of secrets and passwords against brute force (RFC 6749 sections 2.3.1, 4.3.2 and 10.10)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple, Protocol

from gateway.runtime.caches import MIB, cached, register

IPV6_PREFIX = 64
"""Bits. RFC 6177 section 2: whoever has one IPv6 address has a /64 at least, and so 2**64 of them."""
SHOWN_NAME = 64
"""Characters of a claimed name that the log shows."""
_ADDRESSES = register(
    "addresses that attempts are counted under", __name__, entries=4096, key_bytes=64, total_bytes=2 * MIB
)


class Attempt(NamedTuple):
    """Somebody's attempt to prove who he is."""

    area: str
    """What is guessed: attempts in different areas are counted apart. Without a space."""
    name: str
    """The client id or user name that is claimed."""
    address: str
    """As `counted_address` gives it."""


@cached(_ADDRESSES)
def counted_address(address: str) -> str:
    """The address or network that attempts from `address` are counted under.

    IPv6 counts by its /64. What is no address, as where a proxy does not tell it, stands for itself.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), IPV6_PREFIX), strict=False))


class FailureCounts(Protocol):
    """Failed attempts within the window."""

    @property
    def pair(self) -> int:
        """Of this name from this address."""

    @property
    def address(self) -> int:
        """From this address, whatever the name."""

    @property
    def client(self) -> int:
        """Of this name from any address."""

    @property
    def retry_after(self) -> int:
        """Seconds until the last lock ends; 0 where there is none."""

    @property
    def succeeded_before(self) -> bool:
        """Whether this name has proven itself from this address before."""

    @property
    def counted(self) -> bool:
        """Whether the attempt at hand was counted as failed. One that a lock refuses is not."""


@dataclass(frozen=True, slots=True)
class LockoutPolicy:
    """How many failed attempts are tolerated.

    A name is locked at one address after `pair_limit` failures, an address after `address_limit`. A name is
    never locked at all addresses: then anybody could lock out its owner. Failures of it from many
    addresses only make each further failure slower.
    """

    pair_limit: int = 10
    address_limit: int = 50
    window: int = 60
    """Seconds, from the first failure on; then the count begins anew."""
    first_delay: float = 0.05
    longest_delay: float = 1.0

    def locked(self, failures: FailureCounts) -> bool:
        """Whether a further attempt is refused, right or wrong.

        The failures of others at its address do not lock out who has succeeded from there before. His own
        do: else his secret could be guessed without limit by whoever shares his address.
        """
        if failures.pair >= self.pair_limit:
            return True
        return failures.address >= self.address_limit and not failures.succeeded_before

    def delay(self, failures: FailureCounts) -> float:
        """Seconds from a failed attempt to its answer: doubling, up to the longest."""
        worst = max(failures.pair, failures.address // 5, failures.client // 10)
        return min(self.first_delay * 2.0 ** min(worst, 16), self.longest_delay)

    def hold(self, failures: FailureCounts, elapsed: float) -> float:
        """Seconds that the answer is still held back, `elapsed` seconds after the attempt came.

        It goes out at a multiple of the delay. How long the work took, which depends on whether there is
        somebody of that name, can't be told from it.
        """
        delay = self.delay(failures)
        return delay - elapsed % delay if delay else 0.0

    def lock_message(self, attempt: Attempt, failures: FailureCounts, *, proxies_trusted: bool) -> str | None:
        """What the log says of the failure that begins a lock; None for every other one."""
        if not failures.counted:
            return None
        # As JSON: a stranger chose the name, and line breaks in it must not make log lines.
        name = json.dumps(attempt.name[:SHOWN_NAME])
        if failures.address == self.address_limit:
            text = f"{attempt.area}: {attempt.address} is locked out, last claimed name {name}"
        elif failures.pair == self.pair_limit:
            text = f"{attempt.area}: {name} is locked out from {attempt.address}"
        else:
            return None
        text += f", for {max(1, failures.retry_after)} s after too many failed attempts"
        if not proxies_trusted and _is_private(attempt.address):
            text += "; if this is the address of your own proxy, name it in server.trusted_proxies"
        return text


def _is_private(counted: str) -> bool:
    try:
        return ip_network(counted).is_private
    except ValueError:
        return False
