from pathlib import Path

import pytest

from benchmarks import reloads
from gateway.assembly.access_changes import change_report
from gateway.config.load import load
from gateway.config.model import Settings
from gateway.plugin.catalog import PluginCatalog


def loaded(folder: Path, version: int) -> Settings:
    reloads.write(folder / reloads.FILE, version)
    main = folder / "gateway.yaml"
    main.write_text(
        "tokens: {key: " + "k" * 32 + "}\n"
        "include: [many.yaml]\n"
        "upstreams: {backend: {servers: [{url: 'http://127.0.0.1:9'}]}}\n"
    )
    return load(main, {}, PluginCatalog())


def test_a_version_changes_a_tenth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloads, "ROUTES", 50)
    monkeypatch.setattr(reloads, "CLIENTS", 30)
    first, second = loaded(tmp_path, 1), loaded(tmp_path, 2)
    assert (len(first.routes), len(first.clients)) == (50, 30)
    assert sum(one != other for one, other in zip(first.routes, second.routes, strict=True)) == 5
    assert sum(one != other for one, other in zip(first.clients, second.clients, strict=True)) == 3
    assert change_report(first, second)
    assert not change_report(second, loaded(tmp_path, 2))
