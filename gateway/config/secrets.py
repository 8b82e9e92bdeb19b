"""A client's secrets: plain text, or with a name and an end."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from gateway.config.base import Section
from gateway.config.dates import End
from gateway.config.words import ClientSecret, Secret


class NamedSecret(Section):
    """A secret that is told from the others, and may end by itself."""

    secret: Secret = Field(description="Plain, or sha256: and the hash's 64 hexadecimal digits.")
    name: str = Field(default="", max_length=64, description="What people call it.")
    expires: End | None = Field(
        default=None,
        description="From when on it is refused: a time with its zone, such as 2027-01-31T12:00:00Z, or a "
        "date, to whose end in UTC it is good. null: no end.",
    )


def _kind(value: Any) -> str:
    return "<named>" if isinstance(value, dict | NamedSecret) else "<plain>"


AnySecret = Annotated[
    Annotated[Secret, Tag("<plain>")] | Annotated[NamedSecret, Tag("<named>")], Discriminator(_kind)
]


def named(item: ClientSecret | NamedSecret) -> NamedSecret:
    """The same secret as a mapping."""
    return item if isinstance(item, NamedSecret) else NamedSecret(secret=item)
