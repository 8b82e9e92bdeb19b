"""`logging`: what the gateway tells of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.config.base import Section


class Logging(Section):
    """The log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severity that is logged."
    )
    format: Literal["json", "text"] = Field(
        default="json", description="json: an object a line. text: for people's eyes."
    )
    access: bool = Field(default=True, description="Whether each request is logged.")
