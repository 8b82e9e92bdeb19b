"""The scripts that a person runs first."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project.imports import ROOT

SCRIPTS = [
    *(
        f"scripts/{name}"
        for name in (
            "run",
            "test",
            "history",
            "manifests",
            "sbom",
            "advisories",
            "compiled-wheel",
            "test-compiled",
        )
    ),
    ".ci/run",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_can_be_run(script: str) -> None:
    text = (ROOT / script).read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert os.access(ROOT / script, os.X_OK)


@pytest.mark.parametrize("script", [*SCRIPTS, "scripts/common.sh"])
def test_bash_understands_it(script: str) -> None:
    subprocess.run(["bash", "-n", ROOT / script], check=True)


def clone(folder: Path) -> Path:
    """The scripts alone, in a folder of their own."""
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    return folder / "scripts" / "run"


def bare_path(folder: Path) -> Path:
    """A directory of programs without any Python."""
    folder.mkdir()
    for name in ("bash", "env", "dirname", "cat", "git", "rm"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def test_it_says_plainly_that_python_is_missing(tmp_path: Path) -> None:
    run = clone(tmp_path)
    result = subprocess.run(
        [run], env={"PATH": str(bare_path(tmp_path / "bin"))}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "gatepost: Python 3.11 or later is needed, and none was found." in result.stderr


def test_a_python_that_is_named_is_not_replaced_by_another(tmp_path: Path) -> None:
    run = clone(tmp_path)
    environment = {**os.environ, "PYTHON": "/no/such/python"}
    result = subprocess.run([run], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "gatepost: PYTHON=/no/such/python is no Python 3.11 or later." in result.stderr


def test_it_says_plainly_that_the_module_venv_is_missing(tmp_path: Path) -> None:
    run = clone(tmp_path)
    fake = tmp_path / "python"
    # Debian's python3 without python3-venv: the version is right, and `-m venv` fails.
    fake.write_text('#!/bin/sh\ncase "$*" in *venv*) exit 1;; *--version*) echo Python 3.12.0;; esac\n')
    fake.chmod(0o755)
    environment = {**os.environ, "PYTHON": str(fake)}
    result = subprocess.run([run], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "can't make a virtual environment" in result.stderr
    assert "python3-venv" in result.stderr
    assert not (tmp_path / ".venv").exists()
