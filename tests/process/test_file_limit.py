"""The number of open files, held against what the configuration allows."""

from __future__ import annotations

import re

from gateway.config.load import load_text
from gateway.plugin.catalog import PluginCatalog
from gateway.process.file_limit import RESERVE, file_limit_warning

CONFIG = """\
server: {max_connections: 1000}
upstreams:
  a: {servers: [{url: "http://a"}, {url: "http://b"}], max_connections: 100}
"""
NEEDED = 1000 + 200 + RESERVE


def test_too_few_open_files_are_told_with_what_is_needed() -> None:
    settings = load_text(CONFIG, {}, PluginCatalog())
    assert file_limit_warning(NEEDED, settings) is None
    warning = file_limit_warning(NEEDED - 1, settings)
    assert warning is not None
    assert f"may have {NEEDED - 1} files open (ulimit -n)" in warning
    assert "1000 connections from clients and 200 to upstreams" in warning
    assert re.search(rf"raise the limit to {NEEDED}\b", warning)
