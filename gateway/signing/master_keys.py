"""The master keys, from which all other keys are derived. They are never in the store."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import StartError
from gateway.oauth.opaque_tokens import derived_key

FILE = "token.key"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The keys of `tokens.keys`. The first signs and encrypts; all of them verify and decrypt."""

    secrets: tuple[bytes, ...] = field(repr=False)
    """At least one."""

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """The 256-bit keys for one purpose, in the same order."""
        return tuple(derived_key(secret, purpose) for secret in self.secrets)


def master_keys(configured: Sequence[str], state_dir: Path) -> MasterKeys:
    """`tokens.keys`; where it is empty, one key that is generated once and kept in `state_dir`, readable for
    its owner only.

    Raises:
        StartError: the key can't be read or made.
    """
    if configured:
        return MasterKeys(tuple(key.encode() for key in configured))
    path = state_dir / FILE
    try:
        return MasterKeys((_read(path) or _create(path),))
    except OSError as error:
        raise StartError(f"the token key {path} can't be read or made: {error.strerror}") from error


def _read(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != _BYTES:
        raise StartError(f"the token key {path} is damaged: remove it, which ends all live tokens")
    return key


def _create(path: Path) -> bytes:
    """Another process may create it at the same time: the first file wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    key = _read(path)
    if key is None:
        raise StartError(f"the token key {path} vanished while it was made")
    return key
