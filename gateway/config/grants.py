"""`grants`: the grants served by the token endpoint."""

from __future__ import annotations

from pydantic import BaseModel, Field, InstanceOf

from gateway.config.base import Section
from gateway.config.plugins import NoConfig

ON_BY_DEFAULT = "client_credentials"
"""The only grant that is enabled by default."""


class GrantSettings(Section):
    """One grant of the token endpoint. The keys of its plugin are siblings of these two."""

    enabled: bool = Field(
        default=False,
        description="Whether the grant is served. For client_credentials the default is true, even if"
        " it is not listed here.",
    )
    use: str | None = Field(
        default=None,
        description="The plugin: an installed one's name, or module:Class. null: the plugin with the "
        "grant's name.",
    )
    config: InstanceOf[BaseModel] = Field(default=NoConfig(), description="The plugin's own keys, decoded.")
