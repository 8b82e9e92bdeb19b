"""The instance's master key, from which the keys of tokens are derived. It is never in the store."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gateway.errors import StartError

FILE = "token.key"
_BYTES = 32


def master_key(configured: str | None, state_dir: Path) -> bytes:
    """`tokens.key`, or a key that is made once and kept in `state_dir`, readable for its owner only.

    Raises:
        StartError: the key can't be read or made.
    """
    if configured is not None:
        return configured.encode()
    path = state_dir / FILE
    try:
        return _kept(path) or _made(path)
    except OSError as error:
        raise StartError(f"the token key {path} can't be read or made: {error.strerror}") from error


def _kept(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != _BYTES:
        raise StartError(f"the token key {path} is damaged: remove it, which ends all live tokens")
    return key


def _made(path: Path) -> bytes:
    """Another process may make it at the same moment: whichever file is first stays."""
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
    kept = _kept(path)
    if kept is None:
        raise StartError(f"the token key {path} vanished while it was made")
    return kept
