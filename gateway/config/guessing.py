"""`guessing`: brute-force protection."""

from __future__ import annotations

from pydantic import Field

from gateway.config.base import Section
from gateway.config.units import Lifetime

MAX_FAILURES = 1_000_000


class GuessingSettings(Section):
    """Limits of failed authentications, of clients at the OAuth endpoints and of users who sign in."""

    client: int = Field(
        default=10,
        ge=1,
        le=MAX_FAILURES,
        description="Failed attempts of one client id, or user name, from one address in `per`; then it is "
        "locked out from there.",
    )
    address: int = Field(
        default=50,
        ge=1,
        le=MAX_FAILURES,
        description="Failed attempts from one address (IPv6: a /64) in `per`, whatever the client id; then "
        "the address is locked out, except for clients that have succeeded from there before.",
    )
    per: Lifetime = Field(
        default=60, description="The window, which begins with the first failed attempt. A duration."
    )
