"""Small files, each with its test beside it in the same place of `tests/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.imports import ROOT, sources

MOST_LINES = 250

TESTED_ELSEWHERE = {
    "a process of its own, seen from outside: tests/process/test_solo.py and test_fleet.py": [
        "gateway/process/fleet_app.py",
        "gateway/process/fleet_worker.py",
        "gateway/process/supervisor.py",
        "gateway/process/worker.py",
    ],
    "a section of gateway.yaml: tests/config/test_model.py": [
        "gateway/config/base.py",
        "gateway/config/clients.py",
        "gateway/config/grants.py",
        "gateway/config/logs.py",
        "gateway/config/plugins.py",
        "gateway/config/routes.py",
        "gateway/config/server.py",
        "gateway/config/tokens.py",
    ],
    "names, values and interfaces, without a rule of their own": [
        "gateway/clock.py",
        "gateway/config/catalog.py",
        "gateway/config/checks/finding.py",
        "gateway/errors.py",
        "gateway/issuers/fetching.py",
        "gateway/oauth/lent.py",
        "gateway/store/errors.py",
        "gateway/telemetry/entry.py",
        "gateway/web/desk.py",
        "gateway/web/house.py",
        "gateway/web/owner.py",
    ],
    "an OAuth endpoint, asked over the wire: tests/standards": [
        "gateway/steps/introspection.py",
        "gateway/steps/revocation.py",
        "gateway/web/metadata.py",
    ],
    "scripts that the store runs: tests/store shows what they do": [
        "gateway/store/refresh_scripts.py",
        "gateway/store/token_scripts.py",
    ],
}
"""Files without a test file of their own, under the reason."""

EXCEPTIONS = {source for sources_of_one in TESTED_ELSEWHERE.values() for source in sources_of_one}

SOURCES = [str(path) for path in sources() if path.name not in ("__init__.py", "__main__.py")]


def mirror(source: str) -> Path:
    """`gateway/store/link.py` is tested in `tests/store/test_link.py`, `plugins/` in `tests/plugins/`."""
    path = Path(source)
    folder = path.parent if path.parts[0] == "plugins" else path.parent.relative_to("gateway")
    return Path("tests") / folder / f"test_{path.name}"


@pytest.mark.parametrize("source", SOURCES)
def test_every_file_has_its_test(source: str) -> None:
    has_one = (ROOT / mirror(source)).exists()
    if source in EXCEPTIONS:
        assert not has_one, f"{mirror(source)} is there: it needs no exception"
    else:
        assert has_one, f"write {mirror(source)}, or name the reason why not"


def test_no_exception_outlives_its_file() -> None:
    assert set(SOURCES) >= EXCEPTIONS


@pytest.mark.parametrize("source", SOURCES)
def test_no_file_is_long(source: str) -> None:
    lines = len((ROOT / source).read_text().splitlines())
    assert lines <= MOST_LINES, f"{lines} lines: it has more than one reason"


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "helper", "common", "misc"])
def test_there_is_no_drawer_for_everything(name: str) -> None:
    assert not [source for source in SOURCES if name in Path(source).with_suffix("").parts]
