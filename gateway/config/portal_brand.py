"""`portal.brand`: the portal in the operator's name and colours."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from gateway.config.addresses import FilePath
from gateway.config.base import Section
from gateway.config.colours import COLOUR
from gateway.config.value_types import CONTROL


def _colour(value: str) -> str:
    if not COLOUR.fullmatch(value):
        raise ValueError('must be a colour such as "#0b6e4f", in quotes')
    return value.lower()


def _place(value: str) -> str:
    if CONTROL.search(value) or any(character in value for character in ' "<>\\'):
        raise ValueError("must be a URL without spaces, quotes, angle brackets and backslashes")
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("must be a URL") from None
    inside = value.startswith("/") and not value.startswith("//")
    if not inside and not (parts.scheme == "https" and parts.hostname) and parts.scheme != "mailto":
        raise ValueError("must be an https URL, a mailto: address, or a path such as /portal/pages/terms")
    return value


def _name(value: str) -> str:
    if CONTROL.search(value) or not value.strip():
        raise ValueError("must be a line of text")
    return value.strip()


Colour = Annotated[str, AfterValidator(_colour)]
Place = Annotated[str, AfterValidator(_place)]


class PortalBrand(Section):
    """How the portal looks."""

    name: Annotated[str, Field(max_length=40), AfterValidator(_name)] | None = Field(
        default=None, description="Stands in place of Gatepost, on the pages and in their titles."
    )
    logo: FilePath | None = Field(
        default=None,
        description="A picture beside the name: a file .svg, .png, .webp or .jpg of at most 48 KiB.",
    )
    accent: Colour | None = Field(
        default=None,
        description='The colour of buttons and links on light pages, such as "#0b6e4f": it must have a '
        "contrast of 4.5:1 (WCAG AA). null: green.",
    )
    accent_dark: Colour | None = Field(
        default=None,
        description="The same on dark pages. null: made of accent.",
    )
    support: Place | None = Field(
        default=None, description="Where people get help: an https URL, a mailto: address, or a path."
    )
    terms: Place | None = Field(
        default=None, description="The terms of use: an https URL, or a path. Linked where people sign up."
    )
