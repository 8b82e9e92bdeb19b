"""`plugins`: a plugin of the proxy, in its place."""

from __future__ import annotations

from pydantic import BaseModel, Field, InstanceOf

from gateway.config.base import Section


class NoConfig(Section):
    """The configuration of a plugin that has none."""


class PluginUse(Section):
    """A plugin in its place."""

    use: str = Field(description="The plugin: a built-in's name, an installed one's, or module:Class.")
    config: InstanceOf[BaseModel] = Field(
        default=NoConfig(), alias="with", description="The plugin's own keys."
    )
