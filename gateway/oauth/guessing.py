"""Slowing down who guesses secrets (RFC 6749 section 2.3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Failures(Protocol):
    """Failed authentications within the last window."""

    @property
    def pair(self) -> int:
        """Of this client id from this address."""

    @property
    def address(self) -> int:
        """From this address, whatever the client id."""

    @property
    def client(self) -> int:
        """Of this client id, wherever from."""

    @property
    def retry_after(self) -> int:
        """Seconds until the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class GuessingRules:
    """How many failures are borne.

    A client id from one address is shut out after `pair_limit`, an address after `address_limit`. A
    client id is never shut out as a whole: then anybody could lock out the right client. Failures of it
    from many addresses only make each further failure slower.
    """

    pair_limit: int = 10
    address_limit: int = 50
    first_delay: float = 0.05
    longest_delay: float = 1.0

    def shut_out(self, failures: Failures) -> bool:
        """Whether a further attempt is refused unread."""
        return failures.pair >= self.pair_limit or failures.address >= self.address_limit

    def delay(self, failures: Failures) -> float:
        """Seconds that the answer to a failure is held back: doubling, up to the longest."""
        worst = max(failures.pair, failures.address // 5, failures.client // 10)
        return min(self.first_delay * 2.0 ** min(worst, 16), self.longest_delay)
