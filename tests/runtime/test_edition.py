"""Which edition runs: what is said is what is loaded."""

from __future__ import annotations

import importlib

from gateway.runtime.edition import is_compiled


def test_what_is_said_is_what_is_loaded() -> None:
    file = importlib.import_module("gateway.runtime.hex_ids").__file__
    assert file is not None
    assert is_compiled() == file.endswith(".so")
