"""The store from the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.store import make_store
from gateway.assembly.tokens import configured_keys
from gateway.errors import StartError, StoreUnavailable
from tests.certificates import Certificate
from tests.config.example import settings
from tests.topologies import Node

KEYS = f"tokens: {{keys: ['{'k' * 32}']}}\n"


async def test_sentinels_get_the_credentials_of_store_sentinel() -> None:
    sentinel = Node(sentinel="requirepass sentinel-secret")
    try:
        sentinel.password = "sentinel-secret"
        sentinel.start()
        url = f"redis+sentinel://{sentinel.host}/main"
        found = settings(f"{KEYS}store: {{url: '{url}', sentinel: {{password: sentinel-secret}}}}\n")
        store = make_store(found, url, configured_keys(found))
        await store.start()
        with pytest.raises(StoreUnavailable, match="knows no primary of this name"):
            await store.ping()
        await store.stop()
    finally:
        sentinel.remove()


async def test_a_certificate_file_that_is_missing_is_reported_at_the_start(tmp_path: Path) -> None:
    file = Certificate().file(tmp_path, "ca")
    url = f"rediss://h?ssl_ca_certs={file}"
    found = settings(f"{KEYS}store: {{url: '{url}'}}\n")
    file.unlink()  # behind the check's back
    with pytest.raises(StartError, match="a certificate file can't be used"):
        make_store(found, url, configured_keys(found))
