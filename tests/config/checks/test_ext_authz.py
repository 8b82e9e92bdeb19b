"""Listeners on which proxies ask by gRPC."""

import pytest

from gateway.config import load
from tests.config.example import problems, settings

ASKED = "{port: 8281, ext_authz: grpc}"
TRUSTED = "trusted_proxies: [10.0.0.0/8]"


def server(listen: str, *keys: str) -> str:
    return f"management: false\nserver: {{listen: [{listen}], {', '.join(keys)}}}"


@pytest.mark.parametrize(
    "keys", [TRUSTED, "forward_auth: {secrets: [a-secret-of-a-proxy]}", "trusted_proxies: ['unix:']"]
)
def test_whoever_may_ask_can_be_said_in_three_ways(keys: str) -> None:
    assert problems(server(f"{{port: 8280}}, {ASKED}", keys)) == []


def test_somebody_may_ask() -> None:
    assert problems(server(f"{{port: 8280}}, {ASKED}")) == [
        "2:57: server.listen[1].ext_authz: nobody may ask: server.trusted_proxies and server.forward_auth are"
        " empty"
    ]


def test_tokens_are_given_out_somewhere() -> None:
    (found,) = problems(server(ASKED, TRUSTED))
    assert "server.listen: must have a listener without ext_authz" in found


def test_only_grpc_is_spoken() -> None:
    (found,) = problems(server("{port: 8280}, {port: 1, ext_authz: http}", TRUSTED))
    assert "server.listen[1].ext_authz: must be grpc" in found


def test_it_does_not_redirect() -> None:
    (found,) = problems(server("{port: 8280}, {port: 80, ext_authz: grpc, redirect: https}", TRUSTED))
    assert "redirect: https is for listeners without ext_authz" in found


def test_without_the_extra_it_can_not_be_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_installed", lambda package: package != "h2")
    (found,) = problems(server(f"{{port: 8280}}, {ASKED}", TRUSTED))
    assert "server.listen[1].ext_authz: needs the extra grpc, which isn't installed" in found


def test_it_is_no_place_to_redirect_to() -> None:
    text = server("{port: 80, redirect: https}, {port: 8281, tls: auto, ext_authz: grpc}", TRUSTED)
    assert settings(server(f"{{port: 443, tls: auto}}, {ASKED}", TRUSTED)).server.https_port == 443
    (found,) = problems(text)
    assert "leads nowhere" in found
