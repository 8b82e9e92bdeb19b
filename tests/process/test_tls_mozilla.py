"""What a scanner finds at a real gateway: nothing that Mozilla's intermediate configuration does not have."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import configuration
from tests.running import Running

ROOT = Path(__file__).parents[2]
SCANNER = shutil.which("sslyze", path=f"{ROOT}/.venv-sslyze/bin") or shutil.which("sslyze")


@pytest.mark.skipif(SCANNER is None, reason="sslyze is not installed (scripts/test-programs)")
async def test_a_gateway_has_mozillas_intermediate_tls_configuration(tmp_path: Path) -> None:
    assert SCANNER is not None
    listen = [{"host": "127.0.0.1", "port": 0, "tls": "auto"}]
    running = Running(configuration("http://127.0.0.1:9", server={"listen": listen}), tmp_path)
    try:
        running.await_ready()
        target = f"localhost:{running.https.rpartition(':')[2]}{{127.0.0.1}}"
        scan = await asyncio.create_subprocess_exec(
            SCANNER, "--mozilla_config=intermediate", target, stdout=asyncio.subprocess.PIPE
        )
        report = (await scan.communicate())[0].decode()
    finally:
        running.stop()
    compliance = report.partition("COMPLIANCE AGAINST TLS CONFIGURATION")[2]
    assert "intermediate" in compliance, report
    # `tls: auto` is self-signed. Everything else must be as it should.
    assert re.findall(r"^ +\* (\w+)", compliance, re.MULTILINE) == ["certificate_path_validation"], compliance
