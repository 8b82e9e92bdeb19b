"""What all sections of the configuration have in common."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A list of the file: a tuple here, since the configuration does not change. Its items are still strict."""


class Section(BaseModel):
    """A mapping of the file: unknown keys and wrong types are errors, and nothing changes afterwards."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
