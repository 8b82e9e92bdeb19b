"""`gatepost client api-key`."""

import pytest

from tests.commands.conftest import gatepost, said, shown

pytestmark = pytest.mark.usefixtures("file")


def test_a_key_is_shown_once_listed_by_its_prefix_and_revoked() -> None:
    shown("client", "create", "--id", "shop")
    made = shown("client", "api-key", "create", "shop", "--name", "laptop", "--expires", "2099-12-31")
    assert made["api_key"].startswith(made["prefix"] + "_")
    listed = shown("client", "api-key", "list", "shop", "--json")
    assert [(one["prefix"], one["name"], one["expires"], one["last_used"]) for one in listed] == [
        (made["prefix"], "laptop", "2100-01-01T00:00:00Z", None)
    ]
    table = gatepost("client", "api-key", "list", "shop").stdout
    assert table.split()[:2] == ["KEY", "NAME"]
    assert made["prefix"] in table
    assert made["api_key"] not in table + str(listed) + str(shown("client", "show", "shop"))
    assert made["api_key"] not in gatepost("client", "export", "--hashes").stdout
    assert gatepost("client", "api-key", "revoke", "shop", made["prefix"]).exit_code == 0
    assert shown("client", "api-key", "list", "shop", "--json") == []
    assert "has no API key" in said("client", "api-key", "revoke", "shop", made["prefix"])


def test_clients_of_the_file_and_unknown_ones_are_refused() -> None:
    assert "gateway.yaml" in said("client", "api-key", "create", "demo")
    assert "there is no client" in said("client", "api-key", "create", "nobody")
    assert "there is no client" in said("client", "api-key", "list", "nobody")
    assert gatepost("client", "api-key", "create", "demo", "--expires", "soon").exit_code == 2
