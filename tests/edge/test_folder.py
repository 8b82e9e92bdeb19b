"""The directory of the edge: private, and gone with its gateway."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.edge.folder import EdgeFolder
from gateway.errors import StartError

LEFT = """
import os, sys
from pathlib import Path
from gateway.edge.folder import EdgeFolder
print(EdgeFolder(Path(sys.argv[1])).path, flush=True)
os._exit(0)
"""


def test_the_edges_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = EdgeFolder(tmp_path / "state")
    folder.write({"a.json": {"key": 1}})
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.worker(1, 0).parent.stat().st_mode) == 0o700
    file = folder.path / "a.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {"key": 1}
    folder.remove()
    assert not folder.path.exists()


def test_gateways_have_an_edge_folder_each_and_what_a_dead_one_has_left_is_removed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LEFT, tmp_path], capture_output=True, text=True, check=True)
    left = Path(done.stdout.strip())
    assert left.exists()
    one, other = EdgeFolder(tmp_path), EdgeFolder(tmp_path)
    assert not left.exists()
    assert one.path.exists()
    assert other.path.exists()
    one.remove()
    other.remove()


def test_sockets_of_the_edge_have_short_paths(tmp_path: Path) -> None:
    folder = EdgeFolder(tmp_path / ("x" * 100))
    assert len(bytes(folder.worker(99_999, 99))) < 104
    sockets = folder.admin.parent
    folder.remove()
    assert not sockets.exists()


def test_an_edge_folder_that_cant_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="can't be used"):
        EdgeFolder(tmp_path / "file")
