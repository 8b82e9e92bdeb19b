"""`grants`: what the token endpoint serves at all."""

from __future__ import annotations

from pydantic import BaseModel, Field, InstanceOf

from gateway.config.base import Section
from gateway.config.plugins import NoConfig

ON_BY_DEFAULT = "client_credentials"
"""The one grant that is switched on unless the file says otherwise."""


class GrantSettings(Section):
    """One grant of the token endpoint. The keys of its plugin stand beside these two."""

    enabled: bool = Field(
        default=False,
        description="Whether /token serves it. Left out: true for client_credentials, false for any other.",
    )
    use: str | None = Field(
        default=None,
        description="The plugin: an installed one's name, or module:Class. null: the grant's name.",
    )
    config: InstanceOf[BaseModel] = Field(default=NoConfig(), description="The plugin's own keys, decoded.")
