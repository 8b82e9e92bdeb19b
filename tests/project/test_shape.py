"""Small files, each with its test beside it in the same place of `tests/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.imports import ROOT, sources

MOST_LINES = 250

TESTED_ELSEWHERE = {
    "gateway/process/fleet_app.py": "gunicorn's settings: tests/process/test_fleet.py shows what they do",
    "gateway/process/fleet_worker.py": "lives in a process of its own: tests/process/test_fleet.py",
    "gateway/process/supervisor.py": "the frame around solo and fleet: their tests go through it",
    "gateway/process/worker.py": "one process's generations: tests/process/test_solo.py and test_fleet.py",
}
"""Files without a test file of their own, each with the reason."""

SOURCES = [str(path) for path in sources() if path.name not in ("__init__.py", "__main__.py")]


def mirror(source: str) -> Path:
    """`gateway/store/link.py` is tested in `tests/store/test_link.py`, `plugins/` in `tests/plugins/`."""
    path = Path(source)
    folder = path.parent if path.parts[0] == "plugins" else path.parent.relative_to("gateway")
    return Path("tests") / folder / f"test_{path.name}"


@pytest.mark.parametrize("source", SOURCES)
def test_every_file_has_its_test(source: str) -> None:
    has_one = (ROOT / mirror(source)).exists()
    if source in TESTED_ELSEWHERE:
        assert not has_one, f"{mirror(source)} is there: it needs no exception"
    else:
        assert has_one, f"write {mirror(source)}, or name the reason why not"


def test_no_exception_outlives_its_file() -> None:
    assert set(TESTED_ELSEWHERE) <= set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_no_file_is_long(source: str) -> None:
    lines = len((ROOT / source).read_text().splitlines())
    assert lines <= MOST_LINES, f"{lines} lines: it has more than one reason"


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "helper", "common", "misc"])
def test_there_is_no_drawer_for_everything(name: str) -> None:
    assert not [source for source in SOURCES if name in Path(source).with_suffix("").parts]
