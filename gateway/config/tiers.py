"""`tiers`: limits with a name, which clients and plugins refer to."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from gateway.config.base import Section
from gateway.config.units import Timeout

RATE = re.compile(r"([0-9]{1,12}) per ([0-9.]{0,12}[a-z]{1,2})")
SHORTEST = 0.1
"""Seconds: workers agree on a limit in the background, which takes some milliseconds."""
LONGEST = 31 * 86400


class Rate(Section):
    """So many requests in any stretch of time of that length."""

    limit: int = Field(ge=1, le=10**12, description="The most requests in any stretch of time of length per.")
    per: Timeout = Field(
        ge=SHORTEST, le=LONGEST, description="How long that is. A duration, from 100ms to 31d."
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        description="The most of them at once: no more in the time in which the limit allows as many. "
        "null: all of them.",
    )

    @model_validator(mode="after")
    def _burst_within_limit(self) -> Rate:
        if self.burst is not None and self.burst >= self.limit:
            raise ValueError("burst must be less than limit: a limit may be used up at once without it")
        return self


def parse_rate(value: Any) -> Any:
    """`1000 per 1m` as a mapping; anything else is left to the model.

    Raises:
        ValueError: a string of another form.
    """
    if not isinstance(value, str):
        return value
    match = RATE.fullmatch(value)
    if match is None:
        raise ValueError("must be a rate, such as 1000 per 1m, or a mapping with limit and per")
    per = match[2] if match[2][0].isdigit() else f"1{match[2]}"
    return {"limit": int(match[1]), "per": per}


Tier = Annotated[Rate, BeforeValidator(parse_rate)]
