"""Keys in a real store, under a clock that a test sets."""

from __future__ import annotations

import secrets

import pytest

from gateway.oauth.token_encryption import TokenCipher
from gateway.signing.encrypted_keys import EncryptedKeys
from gateway.store import Store
from tests.services import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault(store: Store) -> EncryptedKeys:
    return EncryptedKeys(store.signing_keys, TokenCipher((b"k" * 32,), secrets.token_bytes))


@pytest.fixture
def foreign_vault(store: Store) -> EncryptedKeys:
    """The same place, seen by a gateway with another token key."""
    return EncryptedKeys(store.signing_keys, TokenCipher((b"o" * 32,), secrets.token_bytes))
