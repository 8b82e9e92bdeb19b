"""Token exchange and the JWT bearer grant at a real gateway: RFC 8693, RFC 7523 section 2.1, ID-JAG."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt as pyjwt
import pytest
from authlib.integrations.requests_client import OAuth2Session

from tests.client_keys import Signer, signer
from tests.conftest import Valkey
from tests.standards.caller import FORM, ISSUER, Caller, Reply, client, served, standard_config

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
CORP = "https://id.corp.example"
A, B = "https://a.example", "https://b.example"


@dataclass
class World:
    """A gateway with clients that exchange tokens."""

    caller: Caller

    def exchange(self, subject: str, *, by: str = "gate", **form: str) -> Reply:
        """Exchanges a token; `subject_token_type` is that of access tokens unless it is given."""
        return self.caller.post(
            "/token",
            by=by,
            grant_type=EXCHANGE,
            subject_token=subject,
            **{"subject_token_type": ACCESS, **form},
        )

    def told(self, token: str) -> dict[str, Any]:
        return self.caller.post("/introspect", by="monitor", token=token).json

    def exchanged(self, subject: str, **form: str) -> dict[str, Any]:
        """What introspection tells of the new token; a JWT says the same itself."""
        reply = self.exchange(subject, **form)
        assert reply.status == 200, reply.body
        token = reply.json["access_token"]
        told = self.told(token)
        if token.count(".") == 2:
            claims = pyjwt.decode(token, options={"verify_signature": False})
            assert {name: claims.get(name) for name in ("sub", "act")} == {
                name: told.get(name) for name in ("sub", "act")
            }
        return told


def key() -> Signer:
    return signer("ES256", 4)


def corp_token(typ: str | None = "JWT", **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": CORP, "sub": "ann", "aud": ISSUER, "iat": now, "exp": now + 300, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return pyjwt.encode(claims, key().key, "ES256", {"kid": "corp-1", "typ": typ})


@pytest.fixture(scope="module", params=["opaque", "jwt"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("exchange")
    (folder / "corp.json").write_text(json.dumps({"keys": [{**key().members, "kid": "corp-1"}]}))
    store = {"url": valkey.url, "prefix": f"ex-{request.param}:"}
    config = standard_config(folder, upstream, store=store, tokens={"format": request.param})
    config["grants"] |= {"token_exchange": {"enabled": True}, "jwt_bearer": {"enabled": True}}
    config["issuers"] = {
        "corp": {"issuer": CORP, "jwks_file": "corp.json", "types": ["JWT"], "audiences": [ISSUER]},
        "other": {"preset": "github", "jwks_file": "corp.json"},
    }
    config["clients"] = clients()
    with served(config, folder) as caller:
        yield World(caller)


def clients() -> list[dict[str, Any]]:
    both = ["client_credentials", "token_exchange", "jwt_bearer"]
    reading: dict[str, Any] = {"subjects": ["own", "corp"], "scopes": ["orders.read"]}
    return [
        client("shop", scopes=["orders.read", "orders.write"], audiences=[A, B], grants=both),
        client("app", scopes=["orders.read", "orders.write"], grants=["password"]),
        client("gate", grants=both, lifetime="1h", exchange={**reading, "audiences": [A, B]}),
        client("gate2", grants=both, scopes=["orders.read"], exchange={"subjects": ["own"]}),
        client("none", grants=both),
        client("forbidden", exchange=reading),
        client("jag", grants=both, audiences=[A], exchange={**reading, "subjects": ["corp"], "id_jag": True}),
        {
            "id": "job",
            "scopes": ["orders.read", "orders.write"],
            "grants": both,
            "trust": [{"issuer": "corp", "subject": "job"}],
        },
        client("monitor", introspect=True),
        client("bound", require_dpop=True),
    ]


def test_a_token_is_exchanged_for_one_that_grants_no_more(world: World) -> None:
    subject = world.caller.token(scope="orders.read orders.write", validity_period="100")
    reply = world.exchange(subject)
    assert reply.status == 200, reply.body
    assert reply.json["issued_token_type"] == ACCESS
    assert reply.json["token_type"] == "Bearer"
    assert reply.json["scope"] == "orders.read"
    assert 0 < reply.json["expires_in"] <= 100
    told = world.told(reply.json["access_token"])
    assert (told["sub"], told["client_id"]) == ("shop", "gate")
    assert "act" not in told
    assert world.caller.get("/orders", reply.json["access_token"]).status == 200


def test_a_scope_that_the_token_or_the_client_lacks_is_refused(world: World) -> None:
    reader = world.caller.token(scope="orders.read")
    assert world.exchange(reader, by="gate2", scope="orders.read").status == 200
    for subject, scope in (
        (world.caller.token(scope="orders.read orders.write"), "orders.write"),
        (world.caller.token(scope="orders.write"), "orders.read"),
        (reader, "orders.read orders.write"),
        (world.caller.token(scope="orders.write"), ""),
    ):
        reply = world.exchange(subject, scope=scope)
        assert (reply.status, reply.error) == (400, "invalid_scope"), reply.body


def test_it_never_outlives_the_subject_token_even_where_more_is_asked_for(world: World) -> None:
    subject = world.caller.token(scope="orders.read", validity_period="60")
    assert world.exchange(subject, validity_period="3600").json["expires_in"] <= 60
    assert world.exchange(subject, validity_period="10").json["expires_in"] in (9, 10)
    chained = world.exchange(subject).json["access_token"]
    assert world.exchange(chained, by="gate2").json["expires_in"] <= 60


def test_an_audience_is_within_that_of_the_subject_token(world: World) -> None:
    limited = world.caller.token(scope="orders.read", resource=A)
    assert world.exchanged(limited)["aud"] == [A]
    assert world.exchanged(limited, audience=A)["aud"] == [A]
    assert world.exchange(limited, resource=B).error == "invalid_target"
    both = world.caller.token(scope="orders.read")
    assert world.exchanged(both, resource=B)["aud"] == [B]
    for target in ("https://c.example", "not-a-uri", "https://a.example#x"):
        assert world.exchange(both, resource=target).error == "invalid_target"


def test_an_actor_is_named_and_the_chain_is_kept(world: World) -> None:
    subject = world.caller.token(scope="orders.read")
    actor = world.caller.token(by="gate2", scope="orders.read")
    first = world.exchange(subject, actor_token=actor, actor_token_type=ACCESS).json["access_token"]
    told = world.told(first)
    assert (told["sub"], told["act"]) == ("shop", {"sub": "gate2"})
    second = world.caller.token(by="none", scope="default")
    told = world.exchanged(first, actor_token=second, actor_token_type=ACCESS)
    assert told["act"] == {"sub": "none", "act": {"sub": "gate2"}}
    assert world.exchanged(first)["act"] == {"sub": "gate2"}, "impersonation does not wipe it out"


def test_a_chain_of_actors_has_an_end(world: World) -> None:
    token = world.caller.token(scope="orders.read")
    actor = world.caller.token(by="gate2", scope="orders.read")
    for _ in range(8):
        reply = world.exchange(token, actor_token=actor, actor_token_type=ACCESS)
        assert reply.status == 200, reply.body
        token = reply.json["access_token"]
    reply = world.exchange(token, actor_token=actor, actor_token_type=ACCESS)
    assert (reply.status, reply.error) == (400, "invalid_request")


def test_a_users_token_stays_the_users(world: World) -> None:
    subject = world.caller.log_in(scope="orders.read")["access_token"]
    reply = world.exchange(subject)
    told = world.told(reply.json["access_token"])
    assert (told["sub"], told["username"]) == ("Ada", "Ada")
    headers = dict(json.loads(world.caller.get("/orders", reply.json["access_token"]).body))
    assert (headers["X-Client-Id"], headers["X-Authenticated-UserId"]) == ("gate", "Ada")


@pytest.mark.parametrize(
    "form",
    [
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"subject_token_type": "nonsense"},
        {"subject_token_type": ""},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": "x"},
        {"actor_token_type": ACCESS},
        {"actor_token": "x", "actor_token_type": ACCESS},
        {"subject_token": ""},
        {"subject_token": "made-up"},
        {"subject_token": "a.b.c"},
    ],
    ids=str,
)
def test_wrong_parameters_are_invalid_request(world: World, form: dict[str, str]) -> None:
    form = {"subject_token": world.caller.token(scope="orders.read"), **form}
    reply = world.exchange(form.pop("subject_token"), **form)
    assert (reply.status, reply.error) == (400, "invalid_request"), reply.body


def test_a_dead_token_is_not_exchanged_and_one_that_came_of_it_lives_on(world: World) -> None:
    """RFC 8693 leaves it open; the documentation says it."""
    subject = world.caller.token(scope="orders.read", validity_period="60")
    earlier = world.exchange(subject).json["access_token"]
    assert world.caller.post("/revoke", token=subject).status == 200
    assert world.exchange(subject).error == "invalid_request"
    assert world.told(earlier)["active"] is True


def test_a_refresh_token_is_not_exchanged(world: World) -> None:
    reply = world.exchange(world.caller.log_in(by="app")["access_token"] + "x")
    assert reply.error == "invalid_request"


def test_who_may_not_exchange_gets_nothing(world: World) -> None:
    subject = world.caller.token(scope="orders.read")
    assert world.exchange(subject, by="forbidden").error == "unauthorized_client"
    assert world.exchange(subject, by="none").error == "invalid_request"
    assert world.exchange(corp_token(), by="gate2").error == "invalid_request"


def test_a_token_of_a_trusted_issuer_is_exchanged_for_one_of_its_subject(world: World) -> None:
    told = world.exchanged(corp_token(), subject_token_type=JWT)
    assert (told["sub"], told["username"], told["scope"]) == ("corp:ann", "corp:ann", "orders.read")
    assert told["exp"] <= time.time() + 301
    assert world.exchanged(corp_token(scope="orders.read x"))["scope"] == "orders.read"
    assert world.exchange(corp_token(scope="x")).error == "invalid_scope"
    assert world.exchanged(corp_token(act={"sub": "bot"}))["act"] == {"sub": "corp:bot"}


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"iss": "https://evil.example"},
        {"sub": None},
        {"sub": "a\nb"},
        {"act": "x"},
        {"cnf": {"jkt": "x"}},
        {"typ": "at+jwt"},
    ],
    ids=str,
)
def test_other_claims_of_it_are_refused(world: World, changes: dict[str, Any]) -> None:
    assert world.exchange(corp_token(**changes), subject_token_type=JWT).error == "invalid_request"
    reply = world.caller.post("/token", by="gate", grant_type=BEARER, assertion=corp_token(**changes))
    assert (reply.status, reply.error) == (400, "invalid_grant")


def test_a_key_of_nobody_is_refused(world: World) -> None:
    now = int(time.time())
    claims = {"iss": CORP, "sub": "ann", "aud": ISSUER, "exp": now + 300}
    forged = pyjwt.encode(claims, signer("ES256", 9).key, "ES256", {"kid": "corp-1"})
    assert world.exchange(forged).error == "invalid_request"
    unsigned = pyjwt.encode(claims, None, "none") + "AA"
    assert world.exchange(unsigned).error == "invalid_request"


def test_a_workload_exchanges_its_own_token_without_other_credentials(world: World) -> None:
    fields = {"grant_type": EXCHANGE, "subject_token": corp_token(sub="job"), "subject_token_type": JWT}
    header = {"Content-Type": FORM}
    reply = world.caller.ask("POST", "/token", urlencode(fields).encode(), header)
    assert reply.status == 200, reply.body
    told = world.told(reply.json["access_token"])
    assert (told["client_id"], told["sub"]) == ("job", "job")
    assert "orders.write" in told["scope"]
    assert reply.json["expires_in"] <= 300
    for subject in ("job2", "jo"):
        fields["subject_token"] = corp_token(sub=subject)
        reply = world.caller.ask("POST", "/token", urlencode(fields).encode(), header)
        assert (reply.status, reply.error) == (401, "invalid_client")


def test_a_bound_token_is_not_exchanged_without_its_key(world: World) -> None:
    proof = signer("ES256", 5).proof("POST", ISSUER + "/token", time.time())
    form = {"grant_type": "client_credentials", "client_id": "shop", "client_secret": "shop-secret"}
    header = {"Content-Type": FORM, "DPoP": proof}
    bound = world.caller.ask("POST", "/token", urlencode(form).encode(), header).json["access_token"]
    assert world.exchange(bound).error == "invalid_request"


def test_an_assertion_is_a_grant(world: World) -> None:
    reply = world.caller.post("/token", by="gate", grant_type=BEARER, assertion=corp_token())
    assert reply.status == 200, reply.body
    told = world.told(reply.json["access_token"])
    assert (told["sub"], told["client_id"], told["scope"]) == ("corp:ann", "gate", "orders.read")
    own = world.caller.token(scope="orders.read")
    assert world.caller.post("/token", by="gate", grant_type=BEARER, assertion=own).error == "invalid_grant"
    assert world.caller.post("/token", by="gate", grant_type=BEARER).error == "invalid_request"


def test_an_id_jag_needs_its_type_and_names_its_client(world: World) -> None:
    jag = {"client_id": "jag", "jti": uuid.uuid4().hex, "scope": "orders.read", "resource": A}

    def asked(by: str, token: str, **form: str) -> Reply:
        return world.caller.post("/token", by=by, grant_type=BEARER, assertion=token, **form)

    typ = "oauth-id-jag+jwt"
    reply = asked("jag", corp_token(typ, **jag))
    assert reply.status == 200, reply.body
    assert world.told(reply.json["access_token"])["aud"] == [A]
    assert asked("jag", corp_token(typ, **jag), resource=B).error == "invalid_target"
    for token in (
        corp_token("JWT", **jag),
        corp_token(typ, **{**jag, "client_id": "gate"}),
        corp_token(typ, **{**jag, "client_id": None}),
        corp_token(typ, **{**jag, "jti": None}),
        corp_token(typ, **{**jag, "aud": A}),
        corp_token(typ, **{**jag, "resource": 1}),
    ):
        assert asked("jag", token).error == "invalid_grant"
    assert asked("gate", corp_token(typ, **{**jag, "client_id": "gate"})).error == "invalid_grant"


def test_a_library_exchanges_a_token(world: World) -> None:
    session = OAuth2Session("gate", "gate-secret", token_endpoint_auth_method="client_secret_basic")
    token = session.fetch_token(
        world.caller.running.http + "/token",
        grant_type=EXCHANGE,
        subject_token=world.caller.token(scope="orders.read"),
        subject_token_type=ACCESS,
    )
    assert token["issued_token_type"] == ACCESS
    session.close()


def test_the_metadata_names_the_grants(world: World) -> None:
    told = world.caller.get("/.well-known/oauth-authorization-server").json["grant_types_supported"]
    assert {EXCHANGE, BEARER} <= set(told)
