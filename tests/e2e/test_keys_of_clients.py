"""A client exchanges its key while the gateway runs."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

from tests.client_keys import Signer
from tests.conftest import Valkey
from tests.running import START_LIMIT
from tests.standards.caller import served
from tests.standards.prover import Keys, Prover


async def test_a_changed_key_file_is_taken_over_at_sighup(
    tmp_path: Path, valkey: Valkey, prefix: str
) -> None:
    keys = Keys(tmp_path)
    config = keys.config("http://127.0.0.1:1", {"url": valkey.url, "prefix": prefix})
    config["server"]["workers"] = 1
    new = Signer("ES256", "new")
    with served(config, tmp_path) as caller:
        prover = Prover(caller.running, keys)
        assert prover.signed(prover.assertion("file")).status == 200
        (tmp_path / "keys.json").write_text("broken")
        caller.running.signal(signal.SIGHUP)
        await caller.running.line("jwks_file: can't be used: it must be JSON")
        assert prover.signed(prover.assertion("file")).status == 200
        (tmp_path / "keys.json").write_text(json.dumps(new.jwks))
        caller.running.signal(signal.SIGHUP)
        await caller.running.line(r"(?<!not )reloaded")
        keys.signers["new"] = new
        # Old workers take some more.
        await answered(prover, "ES256", 401)
        await answered(prover, "new", 200)


async def answered(prover: Prover, key: str, status: int) -> None:
    """Waits until what is signed by this key is answered so."""
    async with asyncio.timeout(START_LIMIT):
        while prover.signed(prover.assertion("file", key=key)).status != status:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.02)
