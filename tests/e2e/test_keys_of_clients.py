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
        await caller.running.line("reloaded")
        async with asyncio.timeout(START_LIMIT):
            while prover.signed(prover.assertion("file")).status != 401:  # noqa: ASYNC110 (old workers take some more)
                await asyncio.sleep(0.02)
        keys.signers["new"] = new
        assert prover.signed(prover.assertion("file", key="new")).status == 200
