"""The running configuration for operators: its hash, and its source in sealed form."""

from __future__ import annotations

import base64
import hmac
import secrets

from gateway.assembly.tokens import configured_keys
from gateway.config.model import Settings
from gateway.config.source import ConfigSource
from gateway.oauth.token_encryption import TokenCipher

_HASH = "configuration hash"
_SEAL = "configuration seal"
_HASH_DIGITS = 12


def config_hash(settings: Settings) -> str:
    """Identifies a configuration: the same wherever file, variables and master key are the same.

    It is keyed, as the configuration may contain secrets that a plain hash would let somebody guess.
    """
    if settings.source is None:
        return ""
    key = configured_keys(settings).derive(_HASH)[0]
    source = settings.source
    content = f"{source.text}\0{list(source.included)}\0{sorted(source.variables.items())}".encode()
    return hmac.digest(key, content, "sha256").hex()[:_HASH_DIGITS]


def sealed_source(settings: Settings) -> str:
    """The source, which only a holder of the master key can read; empty where there is none."""
    if settings.source is None:
        return ""
    return base64.b64encode(_cipher(settings).seal(settings.source.to_json(), _SEAL)).decode()


def opened_source(settings: Settings, sealed: str) -> ConfigSource | None:
    """The source from `sealed_source`; None where it was sealed with another master key."""
    text = _cipher(settings).open(base64.b64decode(sealed), _SEAL)
    return None if text is None else ConfigSource.from_json(text)


def _cipher(settings: Settings) -> TokenCipher:
    return TokenCipher(configured_keys(settings).derive(_SEAL), secrets.token_bytes)
