"""Programs of others that the tests of this room speak with (`scripts/test-programs` installs them)."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.running import ROOT


def program(name: str) -> str:
    """Where a program is. The test is skipped where there is none, but never in continuous integration."""
    places = f"{ROOT}/.venv-proxies/bin:{ROOT}/.venv-kubernetes/bin"
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:{places}")
    if found is None:
        assert "CI" not in os.environ, f"{name} must be there: scripts/test-programs installs it"
        pytest.skip(f"{name} is not installed")
    return found
