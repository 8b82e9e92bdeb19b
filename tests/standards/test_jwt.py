"""JWT access tokens and keys: RFC 9068, RFC 8725, RFC 7517."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.jose.compact import read_jwt
from gateway.jose.signing_key import make_key
from tests.conftest import Valkey
from tests.jose.tokens import OTHER, jwt
from tests.standards.caller import API, ISSUER, Caller, client, served, standard_config

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
OWN = make_key("ES256")


@pytest.fixture(scope="module", params=["ES256", "RS256", "EdDSA"])
def signing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> Iterator[Caller]:
    """A gateway that gives out JWTs, with keys that it made."""
    folder = tmp_path_factory.mktemp("jwt")
    config = standard_config(folder, upstream, store={"url": valkey.url, "prefix": f"jwt-{request.param}:"})
    config["tokens"] = {"format": "jwt", "signing": {"algorithm": request.param}}
    with served(config, folder) as caller:
        yield caller


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str) -> Iterator[Caller]:
    """A gateway whose private key the tests know: forged tokens are as good as they can be."""
    folder = tmp_path_factory.mktemp("known")
    (folder / "key.pem").write_text(OWN.pem)
    config = standard_config(folder, upstream, store={"url": valkey.url, "prefix": "jwt-known:"})
    config["tokens"] = {"format": "jwt", "signing": {"keys": [str(folder / "key.pem")]}}
    with served(config, folder) as caller:
        yield caller


def header(token: str) -> dict[str, Any]:
    read = read_jwt(token)
    assert read is not None
    return read.header


def claims(token: str) -> dict[str, Any]:
    read = read_jwt(token)
    assert read is not None
    return read.claims


def test_a_token_has_the_type_and_claims_of_rfc_9068(signing: Caller) -> None:
    token = signing.token(scope="orders.read", resource=API)
    (key,) = signing.get("/jwks").json["keys"]
    assert header(token) == {"typ": "at+jwt", "alg": key["alg"], "kid": key["kid"]}
    said = claims(token)
    assert said.keys() == {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"}
    assert (said["iss"], said["aud"], said["client_id"], said["sub"]) == (ISSUER, API, "shop", "shop")
    assert "orders.read" in said["scope"].split()
    assert abs(said["iat"] - time.time()) < 60
    assert 3598 <= said["exp"] - said["iat"] <= 3601


def test_expires_in_is_what_the_token_says(signing: Caller) -> None:
    reply = signing.post("/token", grant_type="client_credentials", validity_period="120").json
    said = claims(reply["access_token"])
    assert said["exp"] - said["iat"] in (120, 121)
    assert reply["expires_in"] in (119, 120)


def test_a_token_for_no_resource_is_for_the_gateway(signing: Caller) -> None:
    assert claims(signing.token(by="other"))["aud"] == ISSUER


def test_a_live_token_is_given_out_again(signing: Caller) -> None:
    assert signing.token() == signing.token()
    own = [signing.token(validity_period="100") for _ in range(2)]
    assert len({claims(token)["jti"] for token in own}) == 2


def test_a_token_opens_routes_and_dies_when_it_is_revoked(signing: Caller) -> None:
    token = signing.token(validity_period="100", scope="orders.read")
    assert signing.get("/orders", token).status == 200
    assert signing.post("/orders", by="shop").status == 401
    assert signing.post("/introspect", token=token).json["client_id"] == "shop"
    assert signing.post("/revoke", token=token).status == 200
    assert signing.get("/orders", token).status == 401
    assert signing.post("/introspect", token=token).json == {"active": False}


def test_scopes_and_audience_are_judged(signing: Caller) -> None:
    token = signing.token(by="other", validity_period="100")
    assert signing.get("/orders", token).status == 403
    assert signing.get("/for/api", token).status == 403
    assert signing.get("/for/api", signing.token(resource=API, validity_period="100")).status == 200


def test_the_keys_have_no_private_members(signing: Caller) -> None:
    for key in signing.get("/jwks").json["keys"]:
        assert not PRIVATE & key.keys()
        assert key["use"] == "sig"


def test_the_metadata_name_the_keys(signing: Caller) -> None:
    assert signing.get("/.well-known/oauth-authorization-server").json["jwks_uri"] == f"{ISSUER}/jwks"


# What is forged with the gateway's own key is as good as a forgery can be; what it lacks is a record.


def test_a_token_that_was_never_issued_is_refused_whoever_signed_it(known: Caller) -> None:
    token = known.token(validity_period="100")
    assert known.get("/any", token).status == 200
    again = jwt(header(token), {**claims(token), "jti": "another"}, OWN)
    assert known.get("/any", again).status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"kid": OTHER.kid},
        {"kid": None},
        {"kid": OTHER.kid, "jwk": OTHER.jwk},
        {"jku": f"{ISSUER}/jwks", "kid": OTHER.kid},
        {"x5u": "https://evil.example", "kid": OTHER.kid},
        {"crit": ["exp"]},
    ],
    ids=lambda changes: " ".join(
        f"{name}={changes[name]}" if name in ("typ", "alg") else name for name in changes
    ),
)
def test_another_header_is_refused(known: Caller, changes: dict[str, Any]) -> None:
    token = known.token(validity_period="100")
    for key in (OWN, OTHER):
        forged = jwt({**header(token), **changes}, claims(token), key)
        reply = known.get("/any", forged)
        assert reply.status == 401
        assert 'error="invalid_token"' in reply.headers["www-authenticate"]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "https://other.example"},
        {"exp": 1},
        {"exp": None},
    ],
    ids=str,
)
def test_other_claims_are_refused(known: Caller, changes: dict[str, Any]) -> None:
    token = known.token(validity_period="100")
    assert known.get("/any", jwt(header(token), {**claims(token), **changes}, OWN)).status == 401


def test_a_signature_of_nothing_is_refused(known: Caller) -> None:
    signed, _, _ = known.token(validity_period="100").rpartition(".")
    for signature in ("", "AA", "A" * 86):
        assert known.get("/any", f"{signed}.{signature}").status in (400, 401)


def test_a_token_ends_when_it_says_so(known: Caller) -> None:
    token = known.token(validity_period="1")
    deadline = time.monotonic() + 20
    while known.get("/any", token).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert claims(token)["exp"] <= time.time() + 1


def test_a_client_has_its_own_format(tmp_path: Path, valkey: Valkey, prefix: str, upstream: str) -> None:
    config = standard_config(tmp_path, upstream, store={"url": valkey.url, "prefix": prefix})
    config["clients"].append(client("modern", format="jwt"))
    with served(config, tmp_path) as caller:
        opaque, signed = caller.token(), caller.token(by="modern")
        assert opaque.startswith("gpt_")
        assert header(signed)["typ"] == "at+jwt"
        assert caller.accepts(opaque)
        assert caller.accepts(signed)
        assert [key["kid"] for key in caller.get("/jwks").json["keys"]] == [header(signed)["kid"]]
        assert json.dumps(caller.get("/jwks").json).count('"d"') == 0
