"""Clients by the keys of gateway.yaml."""

from hashlib import sha256

import pytest

from gateway.commands.client_fields import written
from gateway.commands.client_files import FileRecord
from gateway.commands.client_form import TO_BE_MADE, FormRules, read_clients
from gateway.config.problems import show
from gateway.oauth.model import Client, ExchangeRules, Secret
from gateway.oauth.trust import ClaimRule, Trust
from tests.client_keys import signer
from tests.config.example import settings

SETTINGS = settings(
    """\
    server: {public_url: "https://gw.example"}
    clients: [{id: demo, secrets: [x]}]
    grants: {client_credentials: {}, password: {enabled: false}}
    tokens: {max_lifetime: 2h}
    tiers: {gold: 10 per 1s}
    routes: [{path: /orders, upstream: "http://h", access: request, docs: {title: Orders API}}]
    portal: {users: [{name: Ann, password: long-password}]}
    issuers:
      corp: {issuer: "https://id.example.org", audiences: [a]}
      github: {preset: github}
    """
)
JWKS = signer("ES256").jwks
FULL = {
    "id": "shop",
    "name": "Shop",
    "lifetime": 600,
    "format": "jwt",
    "tier": "gold",
    "enabled": False,
    "introspect": True,
    "require_dpop": True,
    "grants": ["client_credentials", "password"],
    "scopes": ["a", "b"],
    "default_scopes": [],
    "audiences": ["https://a.example"],
    "networks": ["10.0.0.0/8"],
    "subscriptions": ["Orders API"],
    "assertion_audience": ["issuer", "token_endpoint"],
    "auth": ["client_secret_post", "private_key_jwt"],
    "jwks": JWKS,
    "claims": {"level": 3, "tenant": "acme"},
    "trust": [
        {"issuer": "corp", "subject": "s", "audience": "https://x.example", "once": True},
        {
            "issuer": "github",
            "claims": {"repository": "o/r", "ref": {"pattern": "refs/heads/*"}},
            "audience": "https://gw.example",
        },
    ],
    "exchange": {
        "subjects": ["corp", "own"],
        "scopes": ["a"],
        "audiences": ["https://a.example"],
        "id_jag": False,
    },
    "secrets": [
        {"secret": "sha256:" + "0a" * 32, "name": "first", "expires": "2027-01-31T12:00:00Z"},
        {"secret": "$pbkdf2-sha256$i=1000$c2Vhc2FsdA$" + "A" * 43, "name": "old"},
    ],
}


def read(*fields: dict[str, object], known: dict[str, Client] | None = None, **rules: object) -> list[Client]:
    records = [FileRecord(line, one) for line, one in enumerate(fields, 1)]
    found, issues = read_clients(records, FormRules(SETTINGS, **rules), known or {}, 5)  # type: ignore[arg-type]
    assert [(show(one.path), one.text) for one in issues] == []
    return found


def wrong(*fields: dict[str, object], **rules: object) -> list[str]:
    records = [FileRecord(line, one) for line, one in enumerate(fields, 1)]
    _, issues = read_clients(records, FormRules(SETTINGS, **rules), {}, 5)  # type: ignore[arg-type]
    return [f"{one.place.line}: {show(one.path)}: {one.text}" for one in issues]


def test_every_field_of_a_client_comes_back() -> None:
    (client,) = read(FULL)
    assert written(client, hashes=True) == FULL
    assert "secrets" not in written(client)
    assert client.trust[1] == Trust(
        "github",
        "https://gw.example",
        (ClaimRule("repository", "o/r"), ClaimRule("ref", "refs/heads/*", pattern=True)),
    )
    assert client.exchange == ExchangeRules(frozenset({"corp", ""}), ("a",), ("https://a.example",))
    assert (client.source, client.created) == ("store", 5)


def test_keys_may_have_the_names_of_rfc_7591() -> None:
    (client,) = read({"client_id": "a", "client_name": "A", "client_secret": "s" * 20, "scope": "x y"})
    assert (client.id, client.name, client.scopes) == ("a", "A", ("x", "y"))
    assert client.secrets[0].digest == sha256(b"s" * 20).digest()


def test_what_is_left_out_stays_as_it_was() -> None:
    before = Client(
        "a", "A", (Secret(b"d" * 32),), scopes=("x",), tier="gold", created=1, owner="o", application="p"
    )
    (after,) = read({"id": "a", "scopes": ["y"], "tier": None}, known={"a": before})
    assert (after.scopes, after.tier, after.name) == (("y",), None, "A")
    assert (after.secrets, after.created, after.owner, after.application) == (before.secrets, 1, "o", "p")


def test_a_secret_is_made_where_one_is_wanted_and_there_is_nothing_else() -> None:
    found = read({"id": "a"}, {"id": "b", "jwks": JWKS}, {"id": "c", "secrets": "x"}, generate=True)
    assert [TO_BE_MADE in one.secrets for one in found] == [True, False, False]


def test_64_hexadecimal_digits_are_what_the_operator_says() -> None:
    text = "ab" * 32
    assert read({"id": "a", "secrets": text}, hex_secrets="sha256")[0].secrets[0].digest.hex() == text
    (plain,) = read({"id": "a", "secrets": text}, hex_secrets="plain")
    assert plain.secrets[0].digest == sha256(text.encode()).digest()
    (noop,) = read({"id": "a", "secrets": "{noop}" + text})
    assert noop.secrets[0].digest == plain.secrets[0].digest
    assert "--hex-secrets" in wrong({"id": "a", "secrets": text})[0]


CREDENTIALS = {"secrets": ["secret"]}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"id": "demo"}, "1: id: is the id of a client in gateway.yaml"),
        ({"id": "ANN"}, "1: id: is the name of a user"),
        ({"id": "corp:a"}, "1: id: is reserved for clients of the issuer corp: <issuer>:<id>"),
        ({"id": "a", "scope": "x", "scopes": ["y"]}, "1: scopes: is given twice"),
        ({"id": "a", "lifetime": "3h"}, "1: lifetime: is longer than tokens.max_lifetime"),
        ({"id": "a", "tier": "golt"}, "1: tier: there is no tier of this name (did you mean gold?)"),
        ({"id": "a", "grants": ["x"]}, "1: grants[0]: there is no such grant"),
        (
            {"id": "a", "jwks_file": "k"},
            "1: jwks_file: is for gateway.yaml: give the keys themselves in jwks",
        ),
        ({"id": "a", "secrets": [{"name": "x"}]}, "1: secrets[0]: must not be empty"),
        ({"id": "a", "secrets": [{"algorithm": "x"}]}, "1: secrets[0]: is a hash by 'x', which is not known"),
        ({"id": "a", "secrets": [7]}, "1: secrets[0]: must be a text"),
        ({"id": "a", "secrets": [{"secret": "x", "ends": 1}]}, "1: secrets[0]: must have secret, and may"),
        ({"id": "a", "secrets": ["$6$x$y"]}, "1: secrets[0]: is a hash of a kind that is not known here"),
        ({"id": "a", "secrets": []}, "1: secrets: is missing, and so is every other credential"),
        ({"id": "a", "scops": []}, "1: scops: unknown key (did you mean scopes?)"),
        ({"id": "a", "enabled": "maybe"}, "1: enabled: must be true or false"),
        ({"id": "a", "trust": [{"issuer": "github", "claims": {"ref": "x"}}]}, "1: trust[0].claims: is met"),
        ({"name": "A"}, "1: id: "),
    ],
)
def test_what_is_wrong_is_reported_by_line_and_key(fields: dict[str, object], problem: str) -> None:
    (found,) = wrong(CREDENTIALS | fields)
    assert found.startswith(problem)


def test_an_id_stands_once_in_a_file() -> None:
    client = {"id": "a", **CREDENTIALS}
    assert wrong(client, client) == ["2: id: another client has this id (the first is on line 1)"]
