"""How long a token lives."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.oauth.errors import invalid_request

_WHOLE = re.compile(r"[0-9]{1,12}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class LifetimeRules:
    """What gateway.yaml says about lifetimes, in whole seconds."""

    default: int = 3600
    maximum: int = 86_400

    def lifetime(self, client_lifetime: int | None, validity_period: str | None) -> int:
        """Seconds that a token lives: as asked for, else the client's own, else the instance's.

        Raises:
            OAuthError: `invalid_request` where `validity_period` is no whole number from 1 to the maximum.
        """
        if validity_period is None:
            return min(client_lifetime or self.default, self.maximum)
        if not _WHOLE.match(validity_period) or not 1 <= int(validity_period) <= self.maximum:
            raise invalid_request(f"validity_period must be a whole number from 1 to {self.maximum}.")
        return int(validity_period)
