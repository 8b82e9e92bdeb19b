"""Options of `gatepost client` for what gateway.yaml says of clients, too."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import gatepost, said, shown

pytestmark = pytest.mark.usefixtures("file")
CREATE = "client create --id shop --scope a"
TRUST = {"issuer": "corp", "subject": "s", "audience": "https://x.example"}
EXCHANGE = {"subjects": ["corp", "own"], "scopes": ["a"], "audiences": [], "id_jag": False}


def test_what_gateway_yaml_says_of_clients_can_be_said_of_those_in_the_store(file: Path) -> None:
    file.write_text(file.read_text() + 'issuers: {corp: {issuer: "https://id.example", audiences: [a]}}\n')
    words = "--default-scope a --network 10.0.0.0/8 --assertion-audience token_endpoint"
    words += " --claim tenant=acme --claim level=3 --claim beta=true --claim name=3x"
    given = [*words.split(), "--trust", json.dumps(TRUST), "--exchange", json.dumps(EXCHANGE)]
    told = {
        "default_scopes": ["a"],
        "networks": ["10.0.0.0/8"],
        "assertion_audience": ["token_endpoint"],
        "claims": {"beta": True, "level": 3, "name": "3x", "tenant": "acme"},
        "trust": [TRUST],
        "exchange": EXCHANGE,
    }
    created = shown(*CREATE.split(), *given)
    assert created.items() >= told.items()
    shown("client", "create", "--id", "mill", "--scope", "a")
    found = shown("client", "update", "mill", *given)
    assert found.items() >= told.items()
    found = shown("client", "update", "mill", *(word for name in told for word in ("--unset", name)))
    assert told.keys().isdisjoint(found)
    assert "there is no issuer" in said(
        "client", "update", "mill", "--trust", '{"issuer": "x", "subject": "s"}', code=2
    )
    assert "networks[0]" in said("client", "update", "mill", "--network", "here", code=2)
    assert "default_scopes[0]" in said("client", "update", "mill", "--default-scope", "zzz", code=2)
    for wrong in (("--trust", "{"), ("--claim", "tenant"), ("--claim", "a=b", "--unset", "claims")):
        assert gatepost("client", "update", "mill", *wrong).exit_code == 2
    assert shown("client", "show", "mill") == {**found, "registered_users": 0}
