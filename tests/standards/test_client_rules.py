"""Claims and networks of clients, at a real gateway behind a trusted proxy."""

import json
import time
from collections.abc import Iterator
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt as pyjwt
import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.conftest import Valkey
from tests.standards.caller import FORM, ISSUER, Caller, Reply, basic, client, served, standard_config

KEY = "api-key-of-the-office-0123"


@pytest.fixture(scope="module", params=["fast_path-opaque", "aiohttp-jwt"])
def caller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> Iterator[Caller]:
    way, _, form = request.param.partition("-")
    folder = tmp_path_factory.mktemp("rules")
    store = {"url": valkey.url, "prefix": f"rules-{way}:"}
    config = standard_config(folder, upstream, store=store, tokens={"format": form})
    config["server"] |= {"fast_lane": way == "fast_path", "trusted_proxies": ["127.0.0.1"]}
    config["clients"] = [
        client("shop", claims={"tenant": "acme", "level": 3, "beta": True}),
        client("other"),
        client("office", networks=["10.1.0.0/16", "2001:db8::/32"], api_keys=[KEY]),
        client("monitor", introspect=True),
    ]
    headers = {"use": "claim_headers", "with": {"claims": {"tenant": "X-Tenant", "beta": "X-Beta"}}}
    config["routes"] = [
        {"path": "/any", "upstream": upstream},
        {"path": "/claims", "upstream": upstream, "plugins": [headers]},
        {"path": "/open-claims", "upstream": upstream, "auth": "none", "plugins": [headers]},
        {"path": "/asserted", "upstream": upstream, "plugins": [{"use": "backend_jwt"}]},
        {
            "path": "/limited-keys",
            "upstream": upstream,
            "plugins": [
                {"use": "api_key"},
                {"use": "rate_limit", "with": {"limit": 2, "per": "1h", "by": "client"}},
            ],
        },
        {"path": "/keys", "upstream": upstream, "plugins": [{"use": "api_key"}]},
    ]
    with served(config, folder) as asked:
        yield asked


def test_a_backend_is_told_who_calls_by_a_jwt_that_the_published_keys_verify(caller: Caller) -> None:
    sent = {"Authorization": f"Bearer {caller.token()}", "X-JWT-Assertion": "evil", "X_JWT_Assertion": "evil"}
    answers = [json.loads(caller.ask("GET", "/asserted", headers=sent).body) for _ in range(2)]
    found = [value for answer in answers for name, value in dict(answer).items() if "ssertion" in name]
    assert len(found) == 2
    assert found[0] == found[1]
    key = pyjwt.PyJWKSet.from_dict(caller.get("/jwks").json)[pyjwt.get_unverified_header(found[0])["kid"]]
    claims = pyjwt.decode(found[0], key, issuer=ISSUER)
    assert claims["http://wso2.org/claims/applicationname"] == "shop"
    assert claims["http://wso2.org/claims/apicontext"] == "/asserted"
    # It is no access token.
    assert caller.get("/any", found[0]).status == 401
    assert introspected(caller, found[0]) == {"active": False}


def test_a_client_of_the_store_calls_by_an_api_key_until_it_is_revoked(caller: Caller) -> None:
    def call(key: str, address: str = "10.1.2.3") -> int:
        return caller.ask("GET", "/keys", headers={"X-API-Key": key, "X-Forwarded-For": address}).status

    gatepost(caller, "create", "--id", "kept", "--network", "10.0.0.0/8")
    made = gatepost(caller, "api-key", "create", "kept")
    key = made["api_key"]
    assert [call(key), call(key), call(key, "192.0.2.1"), call(key[:-1] + "!")] == [200, 200, 403, 401]
    headers = {"X-API-Key": key, "X-Forwarded-For": "10.1.2.3"}
    assert dict(json.loads(caller.ask("GET", "/keys", headers=headers).body))["X-Client-Id"] == "kept"
    # The last use is written within seconds.
    deadline = time.monotonic() + 20
    while (found := gatepost(caller, "api-key", "list", "kept", "--json"))[0]["last_used"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert found[0]["last_address"] == "10.1.2.3"
    # Limits by client count its keys, too.
    assert [caller.ask("GET", "/limited-keys", headers=headers).status for _ in range(3)] == [200, 200, 429]
    gatepost(caller, "api-key", "revoke", "kept", made["prefix"])
    deadline = time.monotonic() + 20
    while call(key) != 401:
        assert time.monotonic() < deadline, "a revoked key is still accepted"
    gatepost(caller, "delete", "kept")


def test_an_imported_client_keeps_the_secret_that_another_server_has_hashed(
    caller: Caller, tmp_path: Path
) -> None:
    def asked(secret: str) -> int:
        headers = {"Content-Type": FORM, **basic("moved", secret)}
        return caller.ask("POST", "/token", b"grant_type=client_credentials", headers).status

    secret = "Vf3kQ0a9ZtLm7XwB2rNdYs6h"
    digest = pbkdf2_hmac("sha256", secret.encode(), b"salt", 1000).hex()
    file = tmp_path / "clients.csv"
    file.write_text(f"client_id,client_secret,scope\nmoved,pbkdf2:sha256:1000$salt${digest},orders.read\n")
    assert gatepost(caller, "import", str(file))["created"] == 1
    assert [asked("wrong"), asked(secret), asked(secret)] == [401, 200, 200]
    # By now the gateway has a hash of its own.
    (kept,) = [one for one in gatepost(caller, "export", "--hashes") if one["id"] == "moved"]
    assert kept["secrets"][0]["secret"] == "sha256:" + sha256(secret.encode()).hexdigest()
    gatepost(caller, "delete", "moved")


def gatepost(caller: Caller, *words: str) -> Any:
    command = ["client", *words]
    result = CliRunner().invoke(main, command, env={"GATEPOST_CONFIG": str(caller.running.file)})
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if result.stdout[:1] in ("{", "[") else None


def introspected(caller: Caller, token: str) -> dict[str, Any]:
    return caller.post("/introspect", by="monitor", token=token).json


def test_claims_of_a_client_are_in_its_tokens_and_in_introspection(caller: Caller) -> None:
    token = caller.token()
    mine = {"tenant": "acme", "level": 3, "beta": True}
    assert mine.items() <= introspected(caller, token).items()
    if token.count(".") == 2:
        assert mine.items() <= pyjwt.decode(token, options={"verify_signature": False}).items()
    assert "tenant" not in introspected(caller, caller.token(by="other"))
    assert caller.token() == token, "it is given out again"


def test_claims_go_upstream_in_headers_that_nobody_else_can_set(caller: Caller) -> None:
    def seen(path: str, token: str | None) -> dict[str, str]:
        headers = {"X-Tenant": "evil", "x_tenant": "evil", "X-BETA": "evil", "X-Mine": "1"}
        headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
        found = dict(json.loads(caller.ask("GET", path, headers=headers).body))
        return {
            name: found[name]
            for name in found
            if name.lower()[:6] in ("x-tena", "x_tena", "x-beta", "x-mine")
        }

    assert seen("/claims", caller.token()) == {"X-Tenant": "acme", "X-Beta": "true", "X-Mine": "1"}
    assert seen("/claims", caller.token(by="other")) == {"X-Mine": "1"}
    assert seen("/open-claims", None) == {"X-Mine": "1"}


def ask(caller: Caller, address: str, secret: str = "office-secret") -> Reply:
    headers = {"Content-Type": FORM, **basic("office", secret), "X-Forwarded-For": address}
    return caller.ask("POST", "/token", urlencode({"grant_type": "client_credentials"}).encode(), headers)


@pytest.mark.parametrize("address", ["10.1.2.3", "2001:db8::7", "::ffff:10.1.2.3"])
def test_a_client_asks_and_calls_from_its_networks(caller: Caller, address: str) -> None:
    reply = ask(caller, address)
    assert reply.status == 200, reply.body
    header = {"Authorization": f"Bearer {reply.json['access_token']}", "X-Forwarded-For": address}
    assert caller.ask("GET", "/any", headers=header).status == 200
    assert caller.ask("GET", "/keys", headers={"X-API-Key": KEY, "X-Forwarded-For": address}).status == 200


@pytest.mark.parametrize(
    "address", ["10.2.0.1", "192.0.2.1", "2001:db9::1", "unknown", "10.1.2.3, 192.0.2.1"]
)
def test_from_anywhere_else_it_can_neither_ask_nor_call(caller: Caller, address: str) -> None:
    right, wrong = ask(caller, address), ask(caller, address, "wrong")
    assert (right.status, right.error) == (401, "invalid_client")
    assert right.body == wrong.body
    token = ask(caller, "10.1.2.3").json["access_token"]
    for header in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": KEY}):
        path = "/keys" if "X-API-Key" in header else "/any"
        reply = caller.ask("GET", path, headers={**header, "X-Forwarded-For": address})
        assert (reply.status, reply.json["code"]) == (403, "403"), reply.body


def test_clients_without_networks_ask_and_call_from_everywhere(caller: Caller) -> None:
    header = {"Authorization": f"Bearer {caller.token()}", "X-Forwarded-For": "192.0.2.1"}
    assert caller.ask("GET", "/any", headers=header).status == 200
