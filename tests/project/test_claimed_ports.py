"""The ports of tests are given back in order."""

import subprocess
import sys

from tests.project.imports import ROOT

PROGRAM = "from tests.ports import free_port; free_port(); free_port()"


def test_a_process_that_has_taken_ports_ends_without_a_word() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
