"""The running configuration for operators: its hash, and its source in sealed form."""

from __future__ import annotations

import base64
import hmac
import secrets
from itertools import chain

from gateway.assembly.tokens import configured_keys
from gateway.config.model import Settings
from gateway.config.source import ConfigSource
from gateway.oauth.token_encryption import TokenCipher
from gateway.runtime.give_way import giving_way

_HASH = "configuration hash"
_SEAL = "configuration seal"
_HASH_DIGITS = 12
_PIECE = 65_536
"""Characters that are hashed in one go. No other thread can do anything meanwhile."""


def config_hash(settings: Settings) -> str:
    """Identifies a configuration: the same wherever file, variables and master key are the same.

    It is keyed, as the configuration may contain secrets that a plain hash would let somebody guess.
    """
    if settings.source is None:
        return ""
    source, digest = settings.source, hmac.new(configured_keys(settings).derive(_HASH)[0], digestmod="sha256")
    for text in (source.text, *chain(*source.included), "", *chain(*sorted(source.variables.items()))):
        # Each with its length, so that no two lists of texts give the same.
        digest.update(b"%d " % len(text))
        for begin in giving_way(range(0, len(text), _PIECE)):
            digest.update(text[begin : begin + _PIECE].encode())
    return digest.hexdigest()[:_HASH_DIGITS]


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
