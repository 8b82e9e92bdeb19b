"""Runs the scripts of `vtc/`: each is a raw client and a raw upstream around the real gateway.

`varnishtest` speaks HTTP exactly as it is told and checks every word of what comes back. Varnish itself
is not used.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.exactness.conftest import Pair
from tests.exactness.programs import program

SCRIPTS = sorted((Path(__file__).parent / "vtc").glob("*.vtc"))
LIMIT = 20
"""Seconds that one script may take."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script(script: Path, pair: Pair) -> None:
    done = subprocess.run(
        [
            program("varnishtest"),
            f"-t{LIMIT}",
            f"-Dgateway=127.0.0.1:{pair.gateway_port}",
            f"-Dupstream=127.0.0.1:{pair.upstream_port}",
            script,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scripts_have_been_found() -> None:
    assert len(SCRIPTS) > 30
