"""Signing keys from PEM files: the operator's own, who also rotates them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.errors import StartError
from gateway.jose.signing_key import SigningKey, read_pem


class FixedKeys:
    """The first signs; the others are published: those to come, and those whose tokens still live."""

    current = True
    version = 0

    def __init__(self, files: Sequence[Path]) -> None:
        """Raises StartError for a file that can't be used."""
        self._keys = [_read(file) for file in files]

    async def signer(self) -> SigningKey:
        """The key to sign with."""
        return self._keys[0]

    def ready(self) -> SigningKey | None:
        """The same."""
        return self._keys[0]

    def find(self, kid: str) -> SigningKey | None:
        """The key of that name."""
        return next((key for key in self._keys if key.kid == kid), None)

    @property
    def published(self) -> list[dict[str, Any]]:
        """The public halves, as /jwks shows them."""
        return [key.jwk for key in self._keys]

    async def learn(self) -> None:
        """Files change with the configuration only."""

    def up(self) -> None:
        """Does nothing."""

    def down(self) -> None:
        """Does nothing."""

    def push(self, message: list[Any]) -> None:
        """Does nothing."""


def _read(file: Path) -> SigningKey:
    try:
        return read_pem(file.read_bytes())
    except OSError as error:
        raise StartError(f"the signing key {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise StartError(f"the signing key {file} {error}") from error
