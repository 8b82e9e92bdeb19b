"""Clients without secrets, at a real gateway: tokens as Kubernetes, GitHub, GitLab and SPIFFE sign them."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt as pyjwt
import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.client_keys import ASSERTION_TYPE, Signer, signer
from tests.conftest import Valkey
from tests.other_issuer import OtherIssuer, other_issuer
from tests.standards.caller import FORM, ISSUER, Caller, Reply, client, served, standard_config

CLUSTER = "https://kubernetes.default.svc.cluster.local"
SUBJECT = "system:serviceaccount:shop:orders"
GITHUB = "https://token.actions.githubusercontent.com"
DOMAIN = "spiffe://example.org"
AUDIENCE = "https://api.example.test"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass
class World:
    """A gateway whose clients trust four platforms, and the platforms' keys."""

    caller: Caller
    fetched: OtherIssuer
    folder: Path

    def by_assertion(self, assertion: str, **form: str) -> Reply:
        """Asks for a token with an assertion as the only credential."""
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **form,
        }
        return self.caller.ask("POST", "/token", urlencode(fields).encode(), {"Content-Type": FORM})

    def refused(self, assertion: str, **form: str) -> None:
        """Neither the token endpoint nor a route takes it."""
        reply = self.by_assertion(assertion, **form)
        assert (reply.status, reply.error) == (401, "invalid_client"), reply.body
        assert reply.json["error_description"] == "Client authentication failed."
        if not form:
            assert self.caller.get("/workloads", assertion).status == 401


def now() -> int:
    return int(time.time())


def cluster_key() -> Signer:
    return signer("RS256", 1)


def service_account(key: Signer | None = None, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    """A projected service account token as the API server signs it: a kid, no typ, aud a list."""
    claims = {
        "aud": [ISSUER],
        "exp": now() + 3607,
        "iat": now(),
        "iss": CLUSTER,
        "jti": str(uuid.uuid4()),
        "kubernetes.io": {
            "namespace": "shop",
            "node": {"name": "node-1", "uid": str(uuid.uuid4())},
            "pod": {"name": "orders-5d4f", "uid": str(uuid.uuid4())},
            "serviceaccount": {"name": "orders", "uid": str(uuid.uuid4())},
            "warnafter": now() + 3600,
        },
        "nbf": now(),
        "sub": SUBJECT,
        **changes,
    }
    key = key or cluster_key()
    header = {"kid": "cluster-1", "typ": None, **(headers or {})}
    return pyjwt.encode({k: v for k, v in claims.items() if v is not None}, key.key, key.algorithm, header)


def actions(**changes: Any) -> str:
    """A token of GitHub Actions, with the claims of its documentation."""
    claims = {
        "iss": GITHUB,
        "aud": AUDIENCE,
        "sub": "repo:octo-org/octo-repo:ref:refs/heads/main",
        "jti": str(uuid.uuid4()),
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "sha": "example-sha",
        "repository": "octo-org/octo-repo",
        "repository_owner": "octo-org",
        "repository_id": "74",
        "run_id": "example-run-id",
        "event_name": "push",
        "workflow": "deploy",
        "nbf": now() - 600,
        "iat": now(),
        "exp": now() + 300,
        **changes,
    }
    key = signer("RS256", 2)
    return pyjwt.encode(claims, key.key, "RS256", {"kid": "github-1", "x5t": "abc"})


def svid(**changes: Any) -> str:
    """A JWT-SVID: no iss, the SPIFFE ID in sub."""
    claims = {"sub": f"{DOMAIN}/billing", "aud": [ISSUER], "exp": now() + 300, "iat": now(), **changes}
    return pyjwt.encode(claims, signer("ES256", 3).key, "ES256", {"kid": "spire-1"})


@pytest.fixture(scope="module", params=["opaque", "jwt"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("workloads")
    keys = {
        "cluster": {**cluster_key().members, "kid": "cluster-1", "use": "sig", "alg": "RS256"},
        "github": {**signer("RS256", 2).members, "kid": "github-1", "use": "sig"},
        "spire": {**signer("ES256", 3).members, "kid": "spire-1", "use": "jwt-svid"},
    }
    for name, key in keys.items():
        (folder / f"{name}.json").write_text(json.dumps({"keys": [key]}))
    with other_issuer() as fetched:
        config = standard_config(
            folder, upstream, store={"url": valkey.url, "prefix": f"wl-{request.param}:"}
        )
        config["tokens"] = {"format": request.param}
        config["grants"] = {"token_exchange": {"enabled": True}}
        config["issuers"] = issuers(fetched)
        config["tiers"] = {"slow": {"limit": 3, "per": "1h"}}
        config["clients"] = clients()
        config["routes"] = routes(upstream)
        with served(config, folder) as caller:
            yield World(caller, fetched, folder)


def issuers(fetched: OtherIssuer) -> dict[str, Any]:
    return {
        "cluster": {"preset": "kubernetes", "issuer": CLUSTER, "jwks_file": "cluster.json"},
        "github": {"preset": "github", "jwks_file": "github.json"},
        "spire": {"preset": "spiffe", "issuer": DOMAIN, "jwks_file": "spire.json"},
        "fetched": {"issuer": fetched.url},
    }


def clients() -> list[dict[str, Any]]:
    by_ref = {"repository": "octo-org/octo-repo", "ref": {"pattern": "refs/heads/*"}}
    return [
        {"id": "orders", "scopes": ["orders.read"], "trust": [{"issuer": "cluster", "subject": SUBJECT}]},
        {
            "id": "deploy",
            "scopes": ["deploy"],
            "trust": [{"issuer": "github", "audience": AUDIENCE, "claims": by_ref}],
        },
        {"id": "billing", "trust": [{"issuer": "spire", "subject": f"{DOMAIN}/billing"}]},
        {"id": "slow", "tier": "slow", "trust": [cluster("slow")]},
        {"id": "once", "trust": [{**cluster("once"), "once": True}]},
        {"id": "off", "enabled": False, "trust": [cluster("off")]},
        {"id": "twin-1", "trust": [cluster("twin")]},
        {"id": "twin-2", "trust": [cluster("twin")]},
        {"id": "bound", "require_dpop": True, "trust": [cluster("bound")]},
        {
            "id": "remote",
            "trust": [{"issuer": "fetched", "subject": "job", "audience": "https://api.example"}],
        },
        client("shop", trust=[cluster("shop")], auth=["client_secret_basic"]),
    ]


def cluster(account: str) -> dict[str, Any]:
    return {"issuer": "cluster", "subject": f"system:serviceaccount:shop:{account}"}


def routes(upstream: str) -> list[dict[str, Any]]:
    named = ["cluster", "github", "spire", "fetched"]
    limit = {"use": "rate_limit", "with": {"limit": 100, "per": "1h", "by": "client"}}
    return [
        {"path": "/any", "upstream": upstream},
        {"path": "/orders", "upstream": upstream, "scopes": ["orders.read"]},
        {"path": "/workloads", "upstream": upstream, "issuers": named},
        {"path": "/read", "upstream": upstream, "issuers": named, "scopes": ["orders.read"]},
        {"path": "/limited", "upstream": upstream, "issuers": named, "plugins": [limit]},
    ]


def test_a_service_account_authenticates_its_client(world: World) -> None:
    reply = world.by_assertion(service_account(), scope="orders.read")
    assert reply.status == 200, reply.body
    token = reply.json["access_token"]
    headers = dict(json.loads(world.caller.get("/orders", token).body))
    assert headers["X-Client-Id"] == "orders"


def test_it_serves_again_and_again_without_a_jti(world: World) -> None:
    token = service_account(jti=None)
    assert [world.by_assertion(token).status for _ in range(2)] == [200, 200]


def test_client_id_may_be_there_and_must_be_right(world: World) -> None:
    assert world.by_assertion(service_account(), client_id="orders").status == 200
    world.refused(service_account(), client_id="deploy")


def test_a_client_of_the_store_is_found_where_the_request_names_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)
    told(world, "create", "--id", "kept", "--trust", json.dumps({**cluster("kept"), "audience": AUDIENCE}))
    token = service_account(sub="system:serviceaccount:shop:kept", aud=AUDIENCE)
    assert world.by_assertion(token, client_id="kept").status == 200
    world.refused(token)
    world.refused(token, client_id="orders")
    world.refused(service_account(sub="system:serviceaccount:shop:kept"), client_id="kept")
    world.refused(service_account(aud=AUDIENCE), client_id="kept")
    fields = {"grant_type": EXCHANGE, "subject_token": token, "client_id": "kept"}
    fields |= {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}
    told(world, "update", "kept", "--grant", "token_exchange")
    reply = world.caller.ask("POST", "/token", urlencode(fields).encode(), {"Content-Type": FORM})
    assert (reply.status, reply.json["token_type"]) == (200, "Bearer"), reply.body
    # Whose a token is that a client of the file trusts, too, can't be told.
    told(world, "update", "kept", "--trust", json.dumps(cluster("slow")))
    world.refused(service_account(sub="system:serviceaccount:shop:slow"), client_id="kept")


def told(world: World, *words: str) -> None:
    result = CliRunner().invoke(main, ["client", *words])
    assert result.exit_code == 0, result.output


def test_other_endpoints_take_it_too(world: World) -> None:
    token = world.by_assertion(service_account()).json["access_token"]
    fields = {"token": token, "client_assertion_type": ASSERTION_TYPE, "client_assertion": service_account()}
    header = {"Content-Type": FORM}
    told = world.caller.ask("POST", "/introspect", urlencode(fields).encode(), header)
    assert told.json["client_id"] == "orders"
    assert world.caller.ask("POST", "/revoke", urlencode(fields).encode(), header).status == 200
    world.caller.until_refused([token])


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": SUBJECT + "-admin"},
        {"sub": SUBJECT[:-1]},
        {"sub": SUBJECT.upper()},
        {"sub": SUBJECT + " "},
        {"sub": [SUBJECT]},
        {"sub": None},
        {"aud": [CLUSTER]},
        {"aud": [ISSUER, CLUSTER]},
        {"aud": ISSUER + "/"},
        {"aud": []},
        {"aud": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"iss": "https://kubernetes.default.svc"},
        {"iss": GITHUB},
        {"iss": None},
        {"cnf": {"jkt": "x"}},
        {"cnf": "x"},
    ],
    ids=str,
)
def test_other_claims_of_a_service_account_are_refused(world: World, changes: dict[str, Any]) -> None:
    world.refused(service_account(**changes))


@pytest.mark.parametrize(
    "headers",
    [{"kid": "unknown"}, {"typ": "at+jwt"}, {"typ": "secevent+jwt"}, {"crit": ["exp"]}, {"jku": "https://x"}],
    ids=str,
)
def test_another_header_is_refused_unless_it_is_not_looked_at(world: World, headers: dict[str, Any]) -> None:
    token = service_account(headers=headers)
    if "jku" in headers:
        assert world.by_assertion(token).status == 200
    else:
        world.refused(token)


def test_other_keys_and_algorithms_are_refused(world: World) -> None:
    world.refused(service_account(signer("RS256", 9)))
    world.refused(service_account(signer("ES256", 9)))
    head, body, _ = service_account().split(".")
    none = pyjwt.encode({"sub": SUBJECT, "iss": CLUSTER, "aud": [ISSUER], "exp": now() + 60}, None, "none")
    world.refused(none + "AAAA")
    world.refused(f"{head}.{body}.AAAA")
    shared = {"sub": SUBJECT, "iss": CLUSTER, "aud": [ISSUER], "exp": now() + 60}
    world.refused(pyjwt.encode(shared, "k" * 64, "HS256", {"kid": "cluster-1"}))


def test_a_token_that_two_clients_trust_is_nobodys(world: World) -> None:
    token = service_account(sub="system:serviceaccount:shop:twin")
    world.refused(token)
    world.refused(token, client_id="twin-1")


def test_a_disabled_client_and_one_that_must_use_its_secret_get_nothing(world: World) -> None:
    world.refused(service_account(sub="system:serviceaccount:shop:off"))
    reply = world.by_assertion(service_account(sub="system:serviceaccount:shop:shop"))
    assert (reply.status, reply.error) == (401, "invalid_client")


def test_where_once_is_asked_a_token_is_taken_once_and_not_on_routes(world: World) -> None:
    token = service_account(sub="system:serviceaccount:shop:once")
    assert world.caller.get("/workloads", token).status == 401
    assert world.by_assertion(token).status == 200
    world.refused(token)


async def test_the_reason_is_in_the_log_without_the_token(world: World) -> None:
    token = service_account(sub="system:serviceaccount:shop:stranger")
    world.refused(token)
    await world.caller.running.line("a client is not authenticated: .*cluster.*trusted by no client")
    assert not world.caller.running.found(token.split(".")[1])


def test_actions_of_a_branch_are_the_client_and_others_are_not(world: World) -> None:
    assert world.by_assertion(actions(), scope="deploy").status == 200
    assert world.by_assertion(actions(ref="refs/heads/release")).status == 200
    for changes in (
        {"repository": "octo-org/octo-repo-2"},
        {"repository": "evil/octo-repo"},
        {"ref": "refs/heads/feature/x"},
        {"ref": "refs/pull/1/merge"},
        {"ref": "refs/heads/"},
        {"aud": ISSUER},
    ):
        world.refused(actions(**changes))


def test_a_jwt_svid_needs_no_iss_and_is_of_its_trust_domain(world: World) -> None:
    assert world.by_assertion(svid()).status == 200
    assert world.caller.get("/workloads", svid()).status == 200
    for changes in (
        {"sub": "spiffe://example.org.evil/billing"},
        {"sub": f"{DOMAIN}/billing/x"},
        {"sub": DOMAIN},
    ):
        world.refused(svid(**changes))


def test_straight_on_a_route_the_clients_scopes_count_and_it_is_named(world: World) -> None:
    token = service_account()
    headers = dict(json.loads(world.caller.get("/read", token).body))
    assert headers["X-Client-Id"] == "orders"
    assert headers["X-Authenticated-Scope"].split() == ["am_application_scope", "default", "orders.read"]
    assert "X-Authenticated-UserId" not in headers
    assert world.caller.get("/any", token).status == 401
    assert world.caller.get("/read", svid()).status == 403


def test_straight_on_a_route_the_clients_tier_counts(world: World) -> None:
    token = service_account(sub="system:serviceaccount:shop:slow")
    assert [world.caller.get("/limited", token).status for _ in range(4)] == [200, 200, 200, 429]


def test_a_client_whose_tokens_are_bound_shows_no_bearer_token(world: World) -> None:
    assert (
        world.caller.get("/workloads", service_account(sub="system:serviceaccount:shop:bound")).status == 401
    )


def test_keys_are_fetched_and_fetched_anew_for_an_unknown_kid(world: World) -> None:
    claims = {"sub": "job", "client_id": None}
    assert world.by_assertion(world.fetched.token(time.time(), **claims)).status == 200
    fetches = world.fetched.requests.count("GET /keys")
    for _ in range(3):
        forged = pyjwt.encode(
            {"iss": world.fetched.url, "sub": "job", "aud": "https://api.example", "exp": now() + 60},
            signer("ES256", 9).key,
            "ES256",
            {"kid": uuid.uuid4().hex},
        )
        assert world.by_assertion(forged).status == 401
    assert world.fetched.requests.count("GET /keys") <= fetches + 1


def test_a_private_key_of_the_client_is_still_one(world: World) -> None:
    """An assertion whose iss and sub are the client is RFC 7523's own, and needs the client's keys."""
    reply = world.by_assertion(cluster_key().assertion("orders", ISSUER, time.time()))
    assert (reply.status, reply.error) == (401, "invalid_client")


def test_garbage_is_refused_without_an_error_of_the_gateway(world: World) -> None:
    for text in ("x", "a.b.c", "..", "", "é", "." * 9000):
        assert world.by_assertion(text).status in (400, 401)
