"""Which edition runs: what is said is what is loaded."""

from __future__ import annotations

import importlib

from gateway.runtime.edition import is_compiled, version_text


def test_what_is_said_is_what_is_loaded() -> None:
    file = importlib.import_module("gateway.runtime.hex_ids").__file__
    assert file is not None
    assert is_compiled() == file.endswith(".so")


def test_a_version_says_that_it_is_compiled_where_it_is() -> None:
    assert version_text("1.2.3", compiled=True) == "1.2.3 (compiled)"
    assert version_text("1.2.3", compiled=False) == "1.2.3"
