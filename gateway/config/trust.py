"""`clients[].trust`: tokens of other issuers that stand for the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag

from gateway.config.base import Section
from gateway.config.value_types import Name
from gateway.oauth.trust import pattern_problem

LONGEST = 1024
"""Characters of a claim's value."""


def check_pattern(value: str) -> str:
    """Validates a pattern: literal text and at least one `*`."""
    problem = pattern_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


class Pattern(Section):
    """A pattern in place of a text."""

    pattern: Annotated[str, AfterValidator(check_pattern)] = Field(
        max_length=LONGEST,
        description="* stands for any characters but / and :. The whole value must match.",
    )


def _kind(value: Any) -> str:
    return "<pattern>" if isinstance(value, dict | Pattern) else "<text>"


Text = Annotated[str, Field(min_length=1, max_length=LONGEST)]
TextOrPattern = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[Pattern, Tag("<pattern>")], Discriminator(_kind)
]
ValueOrPattern = Annotated[
    Annotated[Text | bool | int, Tag("<text>")] | Annotated[Pattern, Tag("<pattern>")], Discriminator(_kind)
]


class TrustSettings(Section):
    """Tokens of one issuer that stand for the client. All that is given must hold."""

    issuer: Name = Field(description="A name of issuers.")
    subject: TextOrPattern | None = Field(
        default=None, description="What sub must be: the whole of it, or {pattern: …}."
    )
    claims: Mapping[str, ValueOrPattern] = Field(
        default={}, description="Further claims and what each must be: a text, or {pattern: …}."
    )
    audience: Text | None = Field(
        default=None, description="What aud must be, alone. null: server.public_url."
    )
    once: bool = Field(
        default=False,
        description="true: each token is accepted once, and at the token endpoint only, not on routes.",
    )
