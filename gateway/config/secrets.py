"""Client secrets: plain or hashed, optionally with a name and an expiry."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from gateway.config.base import Section
from gateway.config.dates import End
from gateway.config.value_types import ClientSecret, Secret


class NamedSecret(Section):
    """A secret with a name and an optional expiry."""

    secret: Secret = Field(description="Plain, or sha256: and the digits.")
    name: str = Field(default="", max_length=64, description="Display name.")
    expires: End | None = Field(
        default=None,
        description="Expiry: an RFC 3339 timestamp such as 2027-01-31T12:00:00Z, or a date (valid "
        "through the end of that day, UTC).",
    )


NAMED = "<named>"
"""What pydantic calls a secret that is a mapping, in the places of its errors."""


def _kind(value: Any) -> str:
    return NAMED if isinstance(value, dict | NamedSecret) else "<plain>"


AnySecret = Annotated[
    Annotated[Secret, Tag("<plain>")] | Annotated[NamedSecret, Tag(NAMED)], Discriminator(_kind)
]


def named(item: ClientSecret | NamedSecret) -> NamedSecret:
    """Normalizes a secret to its mapping form."""
    return item if isinstance(item, NamedSecret) else NamedSecret(secret=item)
