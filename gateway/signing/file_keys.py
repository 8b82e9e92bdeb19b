"""Signing keys from PEM files, which the operator rotates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.errors import StartError
from gateway.jose.signing_key import SigningKey, read_pem


class FileKeys:
    """The first one signs; the others are only published: future ones, and those of live tokens."""

    current = True
    version = 0

    def __init__(self, files: Sequence[Path]) -> None:
        """Raises StartError for a file that is missing or has no usable key."""
        self._keys = [_read(file) for file in files]

    async def signer(self) -> SigningKey:
        """The key to sign with."""
        return self._keys[0]

    def ready(self) -> SigningKey | None:
        """The key to sign with: it is always known."""
        return self._keys[0]

    def find(self, kid: str) -> SigningKey | None:
        """The key with this `kid`."""
        return next((key for key in self._keys if key.kid == kid), None)

    @property
    def published(self) -> list[dict[str, Any]]:
        """The public keys, as served at /jwks."""
        return [key.jwk for key in self._keys]

    async def learn(self) -> None:
        """Does nothing: the files are read once, when the configuration is loaded."""

    def on_tracking_on(self) -> None:
        """Does nothing."""

    def on_tracking_off(self) -> None:
        """Does nothing."""

    def on_invalidate(self, message: list[Any]) -> None:
        """Does nothing."""


def _read(file: Path) -> SigningKey:
    try:
        return read_pem(file.read_bytes())
    except OSError as error:
        raise StartError(f"the signing key {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise StartError(f"the signing key {file} {error}") from error
