"""API keys of clients in the store: `gpk_`, eight digits that tell keys apart, a secret, and the client's id.

The id is there so that a key is looked up like a client; it proves nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass

from gateway.oauth.model import Client, Secret
from gateway.oauth.opaque_tokens import Random

KEY_PREFIX = "gpk_"
"""What secret scanners look for."""
SHOWN = 12
"""Characters of a key that lists show."""
_SECRET = 43
_HEAD = SHOWN + 1 + _SECRET
"""Characters before the client's id and the underscore before it."""
_LONGEST = _HEAD + 1 + 340
"""Characters of a key: an id has up to 255."""


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A live API key, and whose it is."""

    client: Client
    key: Secret


def new_api_key(client_id: str, random: Random) -> str:
    """A key for a client."""
    secret, name = _text(random(32)), _text(client_id.encode("utf-8", "surrogatepass"))
    return f"{KEY_PREFIX}{random(4).hex()}_{secret}_{name}"


def client_of_key(key: bytes) -> str | None:
    """The id of the client whose key this says to be; None where it is no key of this kind."""
    if not key.startswith(KEY_PREFIX.encode()) or not _HEAD + 1 < len(key) <= _LONGEST:
        return None
    name = key[_HEAD + 1 :]
    try:
        return urlsafe_b64decode(name + b"=" * (-len(name) % 4)).decode()
    except (Error, UnicodeDecodeError):
        return None


def held_key(client: Client | None, key: bytes, now: float) -> HeldKey | None:
    """The key, where the client of the store has it and may use it now."""
    if client is None or client.source != "store" or not client.enabled:
        return None
    digest = hashlib.sha256(key).digest()
    for one in client.api_keys:
        if hmac.compare_digest(one.digest, digest) and (one.expires is None or now < one.expires):
            return HeldKey(client, one)
    return None


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
