import hashlib
import json
from dataclasses import replace

import pytest

from gateway.oauth.model import Client, ExchangeRules, Secret, Subscription
from gateway.oauth.trust import ClaimRule, Trust
from gateway.store.client_record import read_client, write_client
from gateway.store.errors import ClientUnreadable

DIGEST = hashlib.sha256(b"secret").digest()
FULL = Client(
    id="shop",
    name="Würfel & Söhne",
    secrets=(Secret(DIGEST, name="first", expires=1_800_000_000, created=1_700_000_000), Secret(DIGEST)),
    grants=frozenset({"client_credentials", "password"}),
    scopes=("orders.read", "orders.write"),
    lifetime=600,
    audiences=("https://api.example",),
    enabled=False,
    source="store",
    created=1_700_000_000,
)
FURTHER = Client(
    id="shop",
    secrets=(Secret(b"", "old", foreign="$pbkdf2-sha256$i=1000$c2Vh$" + "A" * 43),),
    source="store",
    default_scopes=(),
    assertion_audience=("issuer", "token_endpoint"),
    claims='{"tenant":"acme"}',
    networks=("10.0.0.0/8",),
    subscriptions=(Subscription("Orders API", "gold"), Subscription("/billing")),
    trust=(Trust("corp", "https://a.example", (ClaimRule("sub", "x:*", pattern=True),), once=True),),
    exchange=ExchangeRules(frozenset({"", "corp"}), (), ("https://a.example",)),
    api_keys=(
        Secret(DIGEST, "laptop", 1_900_000_000, 5, prefix="gpk_0123"),
        Secret(DIGEST, prefix="gpk_4567"),
    ),
)


@pytest.mark.parametrize(
    "client",
    [
        FULL,
        FURTHER,
        replace(FURTHER, default_scopes=("a",), exchange=ExchangeRules(scopes=("a", "b"), id_jag=True)),
        Client(id="shop", source="store"),
        Client(id="shop", grants=frozenset(), source="store"),
    ],
)
def test_a_client_comes_back_as_it_went_in(client: Client) -> None:
    assert read_client("shop", write_client(client).encode()) == client


def test_whatever_a_client_says_of_itself_it_comes_back_as_one_of_the_store() -> None:
    assert read_client("shop", write_client(Client(id="shop", source="file")).encode()).source == "store"


def test_a_record_keeps_digests_under_readable_names() -> None:
    record = json.loads(write_client(FULL))

    assert record["secrets"][0] == {
        "sha256": DIGEST.hex(),
        "name": "first",
        "expires": 1_800_000_000,
        "created": 1_700_000_000,
    }
    assert record["enabled"] is False


def test_members_of_a_later_version_are_let_be() -> None:
    record = json.loads(write_client(FULL))
    record["later"] = record["secrets"][0]["later"] = 1

    assert read_client("shop", json.dumps(record).encode()) == FULL


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": None},
        {"enabled": "yes"},
        {"secrets": "secret"},
        {"secrets": [{"hash": "$6$crypt"}]},
        {"trust": [{"issuer": "corp", "audience": "a", "rules": [], "once": False}]},
        {"exchange": [{"subjects": "own", "id_jag": False}]},
        {"secrets": [{"sha256": "00"}]},
        {"secrets": [{"sha256": "no hex"}]},
        {"secrets": [{}]},
        {"grants": "client_credentials"},
        {"lifetime": "10m"},
        {"scopes": [1]},
    ],
)
def test_a_malformed_record_is_an_error_that_names_the_client(change: dict[str, object]) -> None:
    record = json.loads(write_client(FULL)) | change

    with pytest.raises(ClientUnreadable, match="'shop'"):
        read_client("shop", json.dumps(record).encode())


def test_a_record_without_a_word_on_whether_it_is_enabled_is_malformed() -> None:
    with pytest.raises(ClientUnreadable):
        read_client("shop", b"{}")
