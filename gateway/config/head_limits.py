"""`server.limits`: how large the heads of messages may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from gateway.config.base import Section
from gateway.config.units import Size, parse_size
from gateway.http.head_limits import RequestHeadLimits

MAX_HEAD = 1024**2
MAX_TARGET = 64 * 1024


def _size_between(smallest: int, largest: int) -> BeforeValidator:
    def check(value: object) -> int:
        size = parse_size(value)
        if not smallest <= size <= largest:
            raise ValueError(f"must be from {smallest} to {largest} bytes")
        return size

    return BeforeValidator(check)


class HeadLimits(Section):
    """Limits of the heads of requests and of upstreams' responses."""

    head: Annotated[Size, _size_between(1024, MAX_HEAD)] = Field(
        default=32 * 1024,
        description="All header names and values of a request; more is 431. A size from 1k to 1m.",
    )
    headers: int = Field(
        default=100, ge=4, le=1000, description="Headers of a request; more are 431. From 4 to 1000."
    )
    target: Annotated[Size, _size_between(64, MAX_TARGET)] = Field(
        default=8190, description="The target of a request; a longer one is 414. A size from 64 to 64k."
    )
    answer_head: Annotated[Size, _size_between(4096, MAX_HEAD)] = Field(
        default=64 * 1024,
        description="The head of an upstream's response, and its trailers; a larger one is 502. A size from"
        " 4k to 1m.",
    )

    @property
    def of_requests(self) -> RequestHeadLimits:
        """Those of requests."""
        return RequestHeadLimits(self.head, self.headers, self.target)
