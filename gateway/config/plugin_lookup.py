"""The interface to the plugin catalog that the configuration needs."""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import BaseModel

Kind = Literal["grant", "proxy"]


class PluginLookup(Protocol):
    """The available plugins."""

    def names(self, kind: Kind) -> list[str]:
        """Names of the built-in and installed plugins of one kind."""

    def config_model(self, use: str, kind: Kind) -> type[BaseModel]:
        """The model of a plugin's configuration.

        Raises:
            LookupError: there is no such plugin or it can't be loaded; the message says why.
        """
