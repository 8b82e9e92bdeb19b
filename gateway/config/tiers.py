"""`tiers`: named rate limits for clients and plugins."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from gateway.config.base import Section
from gateway.config.units import Timeout

RATE = re.compile(r"([0-9]{1,12}) per ([0-9.]{0,12}[a-z]{1,2})")
MIN_PERIOD = 0.1
"""Seconds. Workers synchronize limits in the background, which takes some milliseconds."""
MAX_PERIOD = 31 * 86400


class Rate(Section):
    """A rate limit: `limit` requests in any period of length `per`."""

    limit: int = Field(ge=1, le=10**12, description="Maximum requests in any period of length per.")
    per: Timeout = Field(
        ge=MIN_PERIOD, le=MAX_PERIOD, description="Length of the period; a duration, from 100ms to 31d."
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        description="Burst size: at most burst requests within per * burst / limit; less than limit. "
        "null: no separate burst limit.",
    )

    @model_validator(mode="after")
    def _burst_within_limit(self) -> Rate:
        if self.burst is not None and self.burst >= self.limit:
            raise ValueError(
                "burst must be less than limit; without burst the whole limit may be used at once"
            )
        return self


def parse_rate(value: Any) -> Any:
    """Converts `1000 per 1m` to a mapping; other types are left to the model.

    Raises:
        ValueError: a string of another format.
    """
    if not isinstance(value, str):
        return value
    match = RATE.fullmatch(value)
    if match is None:
        raise ValueError("must be a rate, such as 1000 per 1m, or a mapping with limit and per")
    per = match[2] if match[2][0].isdigit() else f"1{match[2]}"
    return {"limit": int(match[1]), "per": per}


RateText = Annotated[str, Field(pattern=rf"^{RATE.pattern}$", description="Such as 1000 per 1m.")]

Tier = Annotated[Rate, BeforeValidator(parse_rate, json_schema_input_type=Rate | RateText)]
