"""A text encrypted into a file: with the master key, or with a passphrase."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.signing.master_keys import MasterKeys

PURPOSE = "store export"
TYPE = "gatepost store export"
_NONCE_BYTES, _SALT_BYTES, _KEY_BYTES = 12, 16, 32
SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}
"""The cost of a guess at the passphrase (RFC 7914): 32 MiB and about 0.1 s."""
_SCRYPT_MEMORY = 64 << 20


class SealedFileError(Exception):
    """The file can't be opened; the text says why."""


def seal(text: str, passphrase: str | None, keys: MasterKeys, random: Callable[[int], bytes]) -> str:
    """The content of the file."""
    nonce = random(_NONCE_BYTES)
    head: dict[str, Any] = {"type": TYPE, "version": 1, "sealed_with": "master key"}
    if passphrase is None:
        key = keys.derive(PURPOSE)[0]
    else:
        salt = random(_SALT_BYTES)
        key = _stretched(passphrase, salt)
        head |= {"sealed_with": "passphrase", "salt": b64encode(salt).decode()}
    data = AESGCM(key).encrypt(nonce, text.encode("utf-8", "surrogatepass"), _authenticated(head))
    return json.dumps({**head, "nonce": b64encode(nonce).decode(), "data": b64encode(data).decode()}) + "\n"


def unseal(content: str, passphrase: str | None, keys: MasterKeys) -> str:
    """The text in the file. Raises SealedFileError."""
    try:
        head = json.loads(content)
        nonce, data = b64decode(head.pop("nonce")), b64decode(head.pop("data"))
        by_passphrase = head["sealed_with"] == "passphrase"
        salt = b64decode(head.get("salt", ""))
        if head["type"] != TYPE:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SealedFileError("it is no file of `gatepost store export`") from None
    if by_passphrase and passphrase is None:
        raise SealedFileError("it is sealed with a passphrase: give --passphrase-file")
    if not by_passphrase and passphrase is not None:
        raise SealedFileError("it is sealed with the master key, not with a passphrase")
    candidates = (_stretched(passphrase, salt),) if passphrase is not None else keys.derive(PURPOSE)
    for key in candidates:
        try:
            return AESGCM(key).decrypt(nonce, data, _authenticated(head)).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError):
            continue
    wrong = (
        "the passphrase is wrong" if by_passphrase else "it was sealed with a key that is not in tokens.keys"
    )
    raise SealedFileError(f"{wrong}, or the file is damaged")


def _authenticated(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, dklen=_KEY_BYTES, maxmem=_SCRYPT_MEMORY, **SCRYPT)
