"""Only where a listener has HTTP/2 or HTTP/3 is there an edge, and is what it needs loaded."""

from __future__ import annotations

import subprocess
import sys

from gateway.config.model import Settings
from gateway.process.open_edge import open_edge
from tests.running import ROOT


def test_without_a_listener_for_it_there_is_no_edge() -> None:
    with open_edge(Settings()) as edge:
        assert not edge.running


def test_the_program_loads_none() -> None:
    program = "import sys, gateway.commands.run; sys.exit('gateway.edge' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
