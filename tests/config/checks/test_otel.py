"""What the environment says of OpenTelemetry is checked with the file."""

from __future__ import annotations

import pytest

from gateway.config import load
from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog

TEXT = "management: false\nroutes: []\n"


def found(environ: dict[str, str]) -> list[str]:
    """The problems of a small file in this environment."""
    try:
        load_text(TEXT, environ, PluginCatalog())
    except ConfigurationError as error:
        return [f"{problem.key}: {problem.text}" for problem in error.problems]
    return []


def test_an_environment_that_can_be_used_is_fine() -> None:
    assert found({}) == []
    assert found({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}) == []


def test_a_wrong_variable_is_named() -> None:
    assert found(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_BSP_MAX_QUEUE_SIZE": "no"}
    ) == ["OTEL_BSP_MAX_QUEUE_SIZE: must be a whole number above 0 (environment variable)"]


@pytest.mark.parametrize("missing", ["opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"])
def test_the_extra_must_be_installed(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(load, "_installed", lambda package: package != missing)
    problems = found({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    assert len(problems) == 1
    assert "needs the extra otel, which isn't installed: pip install 'gatepost[otel]'" in problems[0]
    assert found({}) == []


def test_a_package_without_its_parent_is_not_installed() -> None:
    assert not load._installed("no_such_package.within")


def test_grpc_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    monkeypatch.setattr(load, "_installed", lambda _: True)
    assert found(environ) == []
    monkeypatch.setattr(load, "_installed", lambda package: "grpc" not in package)
    (problem,) = found(environ)
    assert problem.startswith(
        "OTEL_EXPORTER_OTLP_PROTOCOL: grpc needs the extra otel-grpc, which isn't installed"
    )
    assert "pip install 'gatepost[otel,otel-grpc]'" in problem
