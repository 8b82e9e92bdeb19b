"""`plugins`: lists of proxy plugins."""

from __future__ import annotations

from pydantic import BaseModel, Field, InstanceOf

from gateway.config.base import Section


class NoConfig(Section):
    """The configuration of a plugin without options."""


class PluginUse(Section):
    """One use of a plugin."""

    use: str = Field(description="The name of a built-in or installed plugin, or module:Class.")
    config: InstanceOf[BaseModel] = Field(
        default=NoConfig(), alias="with", description="The plugin's own keys."
    )
