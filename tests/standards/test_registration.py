"""Dynamic client registration at a real gateway: RFC 7591, RFC 7592."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import jwt as pyjwt
import pytest

from tests.client_keys import Signer, signer
from tests.conftest import Valkey
from tests.other_issuer import OtherIssuer, other_issuer
from tests.standards.caller import ISSUER, Caller, Reply, basic, client, served, standard_config

INITIAL, HASHED = "initial-token-of-the-operator", "another-initial-access-token"
VENDOR = "https://vendor.example"
SECRET = "client_secret_basic"


@dataclass
class World:
    """A gateway where clients may register."""

    caller: Caller
    keys: OtherIssuer
    """Where clients have their keys."""

    def register(self, token: str | None = INITIAL, **metadata: Any) -> Reply:
        return self.send("POST", "/register", token, metadata)

    def registered(self, **metadata: Any) -> dict[str, Any]:
        reply = self.register(**metadata)
        assert reply.status == 201, reply.body
        return reply.json

    def send(self, method: str, path: str, token: str | None, body: Any = None) -> Reply:
        headers = {"Content-Type": "application/json"}
        headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.caller.ask(method, path, None if body is None else json.dumps(body).encode(), headers)

    def manage(self, method: str, told: dict[str, Any], body: Any = None) -> Reply:
        path = told["registration_client_uri"].removeprefix(ISSUER)
        return self.send(method, path, told["registration_access_token"], body)

    def signed(self, key: Signer, client_id: str) -> Reply:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": key.assertion(client_id, ISSUER, time.time()),
        }
        body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
        return self.caller.ask("POST", "/token", body, {"Content-Type": "application/x-www-form-urlencoded"})

    def token(self, told: dict[str, Any], **form: str) -> Reply:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        headers |= basic(told["client_id"], told["client_secret"])
        fields = {"grant_type": "client_credentials", **form}
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        return self.caller.ask("POST", "/token", body.encode(), headers)


@pytest.fixture(scope="module", params=["opaque", "jwt"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("registration")
    (folder / "vendor.json").write_text(json.dumps({"keys": [signer("ES256", 6).jwk]}))
    store = {"url": valkey.url, "prefix": f"reg-{request.param}:"}
    config = standard_config(folder, upstream, store=store, tokens={"format": request.param})
    config["clients"] = [client("shop", scopes=["orders.read"])]
    config["issuers"] = {"vendor": {"issuer": VENDOR, "jwks_file": "vendor.json"}}
    config["registration"] = {
        "enabled": True,
        "initial_access_tokens": [INITIAL, "sha256:" + sha256(HASHED.encode()).hexdigest()],
        "issuers": ["vendor"],
    }
    with other_issuer() as keys:
        config["clients"].append({"id": "fetched", "jwks_uri": keys.url + "/fetched"})
        config["registration"]["inner_jwks_uris"] = True
        with served(config, folder) as caller:
            yield World(caller, keys)


def statement(**changes: Any) -> str:
    claims = {"iss": VENDOR, "software_id": "shop-app", "exp": int(time.time()) + 60, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return pyjwt.encode(claims, signer("ES256", 6).key, "ES256")


def test_a_client_registers_and_gets_a_token(world: World) -> None:
    reply = world.register(client_name="Robot", scope="orders.read", software_version="1", unknown={"a": 1})
    assert reply.status == 201, reply.body
    assert reply.headers["cache-control"] == "no-store"
    told = reply.json
    assert told["client_secret_expires_at"] == 0
    assert abs(told["client_id_issued_at"] - time.time()) < 60
    assert told["registration_client_uri"] == f"{ISSUER}/register/{told['client_id']}"
    assert told["grant_types"] == ["client_credentials"]
    assert (told["scope"], told["client_name"]) == ("orders.read", "Robot")
    assert told["token_endpoint_auth_method"] == SECRET
    token = world.token(told, scope="orders.read")
    assert token.status == 200, token.body
    assert world.caller.get("/orders", token.json["access_token"]).status == 200


def test_every_initial_access_token_serves_and_a_hashed_one_too(world: World) -> None:
    assert world.register(HASHED).status == 201


@pytest.mark.parametrize("token", [None, "wrong-token", "", INITIAL + "x"])
def test_without_an_initial_access_token_nobody_registers(world: World, token: str | None) -> None:
    reply = world.register(token)
    assert reply.status == 401, reply.body
    assert reply.error == "invalid_token"
    assert reply.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(
    "metadata",
    [
        {"grant_types": ["authorization_code"]},
        {"grant_types": ["password"]},
        {"grant_types": "client_credentials"},
        {"response_types": ["code"]},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": 1},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "AA"}]}},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://a.example",
            "jwks": {"keys": []},
        },
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "ftp://a.example"},
        {"scope": "orders.read admin"},
        {"scope": 'a"b'},
        {"scope": ["orders.read"]},
        {"client_name": "x" * 201},
        {"client_name": "a\nb"},
        {"dpop_bound_access_tokens": "yes"},
    ],
    ids=str,
)
def test_bad_metadata_is_invalid_client_metadata(world: World, metadata: dict[str, Any]) -> None:
    reply = world.register(**metadata)
    assert (reply.status, reply.error) == (400, "invalid_client_metadata"), reply.body


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"null", b'{"a": 1, "a": 2}', b"\xff", b"[" * 9000, b'{"a": 1e999}', b'{"a": NaN}'],
)
def test_a_body_that_is_no_object_is_invalid_client_metadata(world: World, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {INITIAL}"}
    reply = world.caller.ask("POST", "/register", body, headers)
    assert (reply.status, reply.error) == (400, "invalid_client_metadata")


def test_a_client_with_a_key_gets_no_secret(world: World) -> None:
    key = signer("ES256", 7)
    told = world.registered(token_endpoint_auth_method="private_key_jwt", jwks=key.jwks)
    assert "client_secret" not in told
    assert "client_secret_expires_at" not in told
    assert told["jwks"] == key.jwks
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.assertion(told["client_id"], ISSUER, time.time()),
    }
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    header = {"Content-Type": "application/x-www-form-urlencoded"}
    assert world.caller.ask("POST", "/token", body, header).status == 200


def test_the_keys_of_clients_may_be_at_a_url_and_change(world: World) -> None:
    for name, answer in (("fetched", ""), ("registered", "/registered")):
        first, second = signer("ES256", 7), signer("ES256", 8)
        world.keys.pages[f"/{name}"] = (200, json.dumps(first.jwks).encode())
        client_id = name
        if answer:
            uri = world.keys.url + answer
            told = world.registered(token_endpoint_auth_method="private_key_jwt", jwks_uri=uri)
            assert told["jwks_uri"] == uri
            client_id = told["client_id"]
        assert world.signed(first, client_id).status == 200
        assert world.signed(second, client_id).status == 401
        assert world.signed(first, client_id).status == 200
    assert world.keys.requests.count("GET /fetched") == 1
    # At another URL, the keys are asked for at once.
    told = world.registered(token_endpoint_auth_method="private_key_jwt", jwks_uri=world.keys.url + "/none")
    reply = world.signed(signer("ES256", 7), told["client_id"])
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert int(reply.headers["retry-after"]) >= 1


def test_a_software_statement_is_enough_and_counts_more(world: World) -> None:
    signed = statement(client_name="Vendor's robot")
    reply = world.register(None, software_statement=signed, client_name="Other")
    assert reply.status == 201, reply.body
    assert reply.json["client_name"] == "Vendor's robot"
    assert reply.json["software_statement"] == signed


def test_other_software_statements_are_refused(world: World) -> None:
    for bad, error in (
        (statement(iss="https://other.example"), "unapproved_software_statement"),
        (statement(exp=1_000_000_000), "invalid_software_statement"),
        (statement(software_id=None), "invalid_software_statement"),
        (statement()[:-8] + "AAAAAAAA", "invalid_software_statement"),
        ("x", "invalid_software_statement"),
        (1, "invalid_software_statement"),
    ):
        for token in (None, INITIAL):
            reply = world.register(token, software_statement=bad)
            assert (reply.status, reply.error) == (400, error)


def test_a_client_reads_changes_and_deletes_itself(world: World) -> None:
    told = world.registered(client_name="Robot", scope="orders.read")
    read = world.manage("GET", told)
    assert read.status == 200
    assert read.headers["cache-control"] == "no-store"
    assert read.json == {name: value for name, value in told.items() if name != "client_secret"}
    token = world.token(told).json["access_token"]
    changed = world.manage("PUT", told, {"client_id": told["client_id"], "client_name": "Machine"})
    assert changed.status == 200, changed.body
    assert changed.json["client_name"] == "Machine"
    assert "scope" not in changed.json, "an update replaces the metadata as a whole"
    world.caller.until_refused([token])
    assert world.token(told, scope="orders.read").error == "invalid_scope"
    last = world.token(told).json["access_token"]
    assert world.caller.get("/any", last).status == 200
    gone = world.manage("DELETE", told)
    assert (gone.status, gone.body) == (204, b"")
    assert world.caller.get("/any", last).status == 401
    assert world.token(told).error == "invalid_client"
    for method in ("GET", "PUT", "DELETE"):
        assert world.manage(method, told, {}).status == 401


def test_what_the_server_sets_can_not_be_sent(world: World) -> None:
    told = world.registered()
    own = {"client_id": told["client_id"]}
    for body in (
        {},
        {"client_id": "other"},
        {**own, "registration_access_token": told["registration_access_token"]},
        {**own, "registration_client_uri": told["registration_client_uri"]},
        {**own, "client_secret_expires_at": 0},
        {**own, "client_id_issued_at": 1},
        {**own, "client_secret": "chosen-by-the-client"},
        {**own, "scope": "admin"},
    ):
        reply = world.manage("PUT", told, body)
        assert (reply.status, reply.error) == (400, "invalid_client_metadata"), body
    assert world.manage("PUT", told, {**own, "client_secret": told["client_secret"]}).status == 200
    assert world.token(told).status == 200


def test_another_method_of_authentication_brings_another_credential(world: World) -> None:
    told = world.registered()
    own = {"client_id": told["client_id"]}
    key = {"token_endpoint_auth_method": "private_key_jwt", "jwks": signer("ES256", 7).jwks}
    changed = world.manage("PUT", told, {**own, **key})
    assert changed.status == 200, changed.body
    assert "client_secret" not in changed.json
    assert world.token(told).error == "invalid_client"
    back = world.manage("PUT", told, own).json
    assert back["client_secret"] != told["client_secret"]
    assert world.token(back).status == 200


def test_only_its_own_registration_token_opens_a_registration(world: World) -> None:
    one, other = world.registered(), world.registered()
    path = one["registration_client_uri"].removeprefix(ISSUER)
    for method in ("GET", "PUT", "DELETE"):
        for token in (None, INITIAL, other["registration_access_token"], "", "gpr_x"):
            reply = world.send(method, path, token, {"client_id": one["client_id"]})
            assert (reply.status, reply.error) == (401, "invalid_token")
    for stranger in ("/register/shop", "/register/nobody", "/register/", "/register/a/b"):
        assert world.send("GET", stranger, one["registration_access_token"]).status == 401
    assert world.manage("GET", one).status == 200


def test_other_methods_are_405(world: World) -> None:
    told = world.registered()
    reply = world.send("GET", "/register", INITIAL)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    reply = world.manage("POST", told, {})
    assert (reply.status, reply.headers["allow"]) == (405, "GET, PUT, DELETE")


def test_the_metadata_names_the_endpoint(world: World) -> None:
    told = world.caller.get("/.well-known/oauth-authorization-server").json
    assert told["registration_endpoint"] == f"{ISSUER}/register"


def test_it_is_off_unless_it_is_switched_on(
    tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> None:
    folder = tmp_path_factory.mktemp("off")
    config = standard_config(folder, upstream, store={"url": valkey.url, "prefix": "reg-off:"})
    with served(config, folder) as caller:
        assert World(caller, OtherIssuer()).register().status == 404
        assert "registration_endpoint" not in caller.get("/.well-known/oauth-authorization-server").json


def test_guessing_an_initial_access_token_is_shut_out(
    tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> None:
    folder = tmp_path_factory.mktemp("guessing")
    config = standard_config(folder, upstream, store={"url": valkey.url, "prefix": "reg-guess:"})
    config["registration"] = {"enabled": True, "initial_access_tokens": [INITIAL]}
    config["guessing"] = {"client": 3, "per": "10m"}
    with served(config, folder) as caller:
        replies = [World(caller, OtherIssuer()).register(f"guessed-token-{number}") for number in range(5)]
        assert [reply.status for reply in replies] == [401, 401, 401, 429, 429]
        assert int(replies[-1].headers["retry-after"]) > 0
