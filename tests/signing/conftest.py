"""Keys in a real store, under a clock that a test sets."""

from __future__ import annotations

import secrets

import pytest

from gateway.oauth.sealing import TokenSeal
from gateway.signing.vault import KeyVault
from gateway.store import Store
from tests.services import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault(store: Store) -> KeyVault:
    return KeyVault(store.signing_keys, TokenSeal(b"k" * 32, secrets.token_bytes))


@pytest.fixture
def foreign_vault(store: Store) -> KeyVault:
    """The same place, seen by a gateway with another token key."""
    return KeyVault(store.signing_keys, TokenSeal(b"o" * 32, secrets.token_bytes))
