"""Base class of all configuration sections."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A YAML list, kept as an immutable tuple. Its items are validated strictly."""


class Section(BaseModel):
    """A YAML mapping: immutable; unknown keys and wrong types are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def one_or_several(value: Any) -> str | None:
    """The tag of what is one section, `<one>`, or a list of them, `<several>`; None: neither."""
    if isinstance(value, list | tuple):
        return "<several>"
    return "<one>" if isinstance(value, Section | dict) else None
