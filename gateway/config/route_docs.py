"""`routes[].docs`: what the developer portal says of an API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateway.config.base import Section
from gateway.config.value_types import CONTROL
from gateway.oauth.networks import may_be_public


def _line(value: str) -> str:
    if CONTROL.search(value):
        raise ValueError("must not have control characters")
    return value


def _place(value: object) -> object:
    """A URL stays text, anything else is a file."""
    if not isinstance(value, str):
        return value
    if "://" not in value:
        return Path(value)
    # What the gateway fetches must not be of the inner network: the portal shows it.
    try:
        parts = urlsplit(value)
        public = parts.scheme == "https" and may_be_public(parts.hostname or "")
    except ValueError:
        public = False
    if not public or parts.username is not None or CONTROL.search(value):
        raise ValueError("must be a file, or an https URL of a public address without a user")
    return value


OneLine = Annotated[str, Field(max_length=200), AfterValidator(_line)]
DocumentPlace = Annotated[
    Path | str | None, BeforeValidator(_place), WithJsonSchema({"type": ["string", "null"], "default": None})
]


class RouteDocs(Section):
    """The route as developers see it in the portal."""

    title: OneLine = Field(
        default="", description="The API's name; empty: the document's title, or its path."
    )
    summary: OneLine = Field(default="", description="One line on what it is for.")
    group: OneLine = Field(default="", description="APIs with the same group stand together.")
    openapi: DocumentPlace = Field(
        default=None,
        description="A document of OpenAPI 3.0 or 3.1, as YAML or JSON of at most 1 MiB: a file, or an https "
        "URL at a public address. null: none.",
    )
