"""What an upstream does about servers that fail: asks them, gives them a rest, tries again."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.config.base import Many, Section
from gateway.config.units import Timeout

# RFC 9112 section 3.2.1: what stands in a request line as its target.
TARGET = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*")
LONGEST_TARGET = 2048


def check_target(value: str) -> str:
    """A path, with a query or without."""
    if len(value) > LONGEST_TARGET or not TARGET.fullmatch(value):
        raise ValueError("must be a path such as /health; other characters go percent-encoded")
    return value


class Health(Section):
    """How each server is asked whether it is well."""

    path: Annotated[str, AfterValidator(check_target)] = Field(
        default="/health",
        description="Asked with GET, by each worker; an answer from 200 to 399 is a good one. What the URL "
        "of a server has as its path is not put before it.",
    )
    interval: Timeout = Field(default=5.0, description="Between two questions. A duration.")
    timeout: Timeout = Field(default=2.0, description="For connection and answer. A duration.")
    unhealthy_after: int = Field(
        default=2, ge=1, le=1000, description="Bad answers in a row until a server gets no more requests."
    )
    healthy_after: int = Field(
        default=1, ge=1, le=1000, description="Good answers in a row until it gets requests again."
    )


class Retries(Section):
    """When a request that failed is sent again: only where it may safely be."""

    attempts: int = Field(default=1, ge=0, le=10, description="Retries, beside the first attempt. 0: none.")
    on: Many[Literal["connect", "reset", "502", "503", "504"]] = Field(
        default=("connect", "503"),
        description="connect: no connection could be made, so nothing was sent. reset: the connection broke "
        "before an answer. Or a status of an answer. All but connect count for idempotent methods only.",
    )


class Breaker(Section):
    """When a server that keeps failing gets a rest."""

    failures: int = Field(
        default=5, ge=1, le=1_000_000, description="Requests in a row that got no answer from it."
    )
    open_for: Timeout = Field(
        default=10.0, description="How long it rests; then one request tries it. A duration."
    )
