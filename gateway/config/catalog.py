"""What the configuration asks of whoever knows the plugins."""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import BaseModel

Kind = Literal["grant", "proxy"]


class Catalog(Protocol):
    """All plugins that the file can name."""

    def names(self, kind: Kind) -> list[str]:
        """The names of the built-in and installed plugins of one kind."""

    def config_model(self, use: str, kind: Kind) -> type[BaseModel]:
        """The model of a plugin's own keys.

        Raises:
            LookupError: there is no such plugin, or it can't be used; the text says why.
        """
