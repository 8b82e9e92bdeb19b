"""The locked versions in `requirements/` agree with `pyproject.toml`; `scripts/lock` makes them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.imports import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["project"]["optional-dependencies"]

NEEDED: dict[str, list[str]] = {
    "run": PYPROJECT["project"]["dependencies"],
    "test": [*PYPROJECT["project"]["dependencies"], *(one for extra in EXTRAS.values() for one in extra)],
    "build": [*PYPROJECT["build-system"]["requires"], "editables"],
    "compile": PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["dependencies"],
}
"""What each file locks. The tests have every extra; `editables` is what hatchling needs for `scripts/run`."""

PLATFORMS = [
    {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": platform}
    for python in ("3.11", "3.12", "3.13", "3.14")
    for platform in ("linux", "darwin")
]


def entries(name: str) -> Iterator[tuple[Requirement, str]]:
    """Each locked package of a file, and the lines below it: its hashes, and who asked for it."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    for entry in re.split(r"\n(?=\w)", text.partition("scripts/lock\n")[2]):
        first, _, rest = entry.partition(" \\\n")
        yield Requirement(first), rest


LOCKED = {name: list(entries(name)) for name in NEEDED}


def applies(requirement: Requirement, platform: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**platform, "extra": ""})


def locked_versions(name: str, platform: dict[str, str]) -> dict[str, str]:
    return {
        canonicalize_name(locked.name): str(locked.specifier).removeprefix("==")
        for locked, _ in LOCKED[name]
        if applies(locked, platform)
    }


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda of: f"{of['python_version']}-{of['sys_platform']}")
@pytest.mark.parametrize("name", NEEDED)
def test_the_lock_has_what_the_project_needs(name: str, platform: dict[str, str]) -> None:
    locked = locked_versions(name, platform)
    for needed in map(Requirement, NEEDED[name]):
        if applies(needed, platform):
            version = locked.get(canonicalize_name(needed.name))
            assert version is not None, f"{needed.name} is not locked: scripts/lock"
            assert needed.specifier.contains(version, prereleases=True), (
                f"{needed} is locked as {version}: scripts/lock"
            )


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_lock_has_nothing_that_the_project_no_longer_asks_for(name: str) -> None:
    asked_for = {
        canonicalize_name(locked.name)
        for locked, below in LOCKED[name]
        if "gatepost (pyproject.toml)" in below
    }
    assert asked_for == {canonicalize_name(Requirement(needed).name) for needed in NEEDED[name]}


@pytest.mark.parametrize("name", ["run", "build"])
def test_what_is_tested_is_what_runs(name: str) -> None:
    for platform in PLATFORMS:
        tested = locked_versions("test", platform)
        for package, version in locked_versions(name, platform).items():
            assert version == tested.get(package, version), package


@pytest.mark.parametrize("name", NEEDED)
def test_each_locked_package_has_hashes_and_no_address(name: str) -> None:
    for locked, below in LOCKED[name]:
        assert "--hash=sha256:" in below, locked.name
        assert locked.url is None
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


def test_the_scripts_and_the_image_install_what_is_locked() -> None:
    assert "install run\n" in (ROOT / "scripts" / "run").read_text()
    assert "install test\n" in (ROOT / "scripts" / "test").read_text()
    for file in ("scripts/common.sh", "Dockerfile"):
        text = (ROOT / file).read_text()
        assert "--require-hashes -r" in text
        assert text.count("--no-build-isolation") == 1, "the newest build tools would come in unseen"
