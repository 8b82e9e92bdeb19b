"""Client libraries find the endpoints where they look for them, also from pages and behind another proxy."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote_plus, urlencode

import pytest

from tests.conftest import Valkey
from tests.standards.caller import FORM, Caller, Reply, basic, served, standard_config

APP, OF_A_CLIENT = "https://app.example.org", "https://shop.example.org"
SPECIAL = "a+b%2Fc%zz& =:"
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey: Valkey, upstream: str
) -> Iterator[Caller]:
    folder = tmp_path_factory.mktemp("discovery")
    store = {"url": valkey.url, "prefix": f"discovery-{request.param}:"}
    config = standard_config(folder, upstream, store=store)
    config["server"] |= {
        "public_url": "https://api.example.org/auth",
        "endpoints": {
            "token": ["/oauth2/token", "/token"],
            "revoke": ["/revoke", "/oauth2/revoke"],
            "introspect": ["/introspect", "/oauth2/introspect"],
        },
        "cors": {"origins": [APP]},
        "fast_lane": request.param,
    }
    next(one for one in config["clients"] if one["id"] == "shop")["origins"] = [OF_A_CLIENT]
    config["clients"].append({"id": "special", "secrets": [SPECIAL]})
    with served(config, folder) as caller:
        yield caller


def post(
    gateway: Caller, path: str, form: dict[str, str], secret: str = "shop-secret", **headers: str
) -> Reply:
    given = {"Content-Type": FORM, **basic("shop", secret), **headers}
    return gateway.ask("POST", path, urlencode(form).encode(), given)


@pytest.mark.parametrize("path", ["/token", "/oauth2/token", "/auth/token", "/auth/oauth2/token"])
def test_every_path_of_the_token_endpoint_gives_tokens(gateway: Caller, path: str) -> None:
    reply = post(gateway, path, GRANT)
    assert (reply.status, reply.json["token_type"]) == (200, "Bearer")


@pytest.mark.parametrize("prefix", ["", "/oauth2", "/auth"])
def test_every_path_of_the_other_endpoints_answers(gateway: Caller, prefix: str) -> None:
    token = post(gateway, "/token", GRANT).json["access_token"]
    form = {"token": token}
    known = post(gateway, f"{prefix}/introspect", form)
    assert known.json["active"] is True
    revoked = post(gateway, f"{prefix}/revoke", form)
    assert (revoked.status, revoked.body, "content-type" in revoked.headers) == (200, b"", False)
    json = post(gateway, f"{prefix}/revoke", form, Accept="application/json")
    assert (json.headers["content-type"], json.json) == ("application/json", {})
    assert post(gateway, f"{prefix}/introspect", form).json == {"active": False}


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server/auth",
        "/.well-known/oauth-authorization-server",
        "/auth/.well-known/openid-configuration",
        "/.well-known/openid-configuration/auth",
        "/.well-known/openid-configuration",
    ],
)
def test_an_issuer_with_a_path_is_found_where_the_standards_look(gateway: Caller, path: str) -> None:
    found = gateway.get(path).json
    assert found["issuer"] == "https://api.example.org/auth"
    assert found["token_endpoint"] == "https://api.example.org/auth/oauth2/token"
    assert found["jwks_uri"] == "https://api.example.org/auth/jwks"


def test_a_resource_behind_a_path_is_found_where_its_challenge_leads(gateway: Caller) -> None:
    challenge = gateway.get("/orders").headers["www-authenticate"]
    assert "https://api.example.org/.well-known/oauth-protected-resource/auth/orders" in challenge
    found = gateway.get("/.well-known/oauth-protected-resource/auth/orders").json
    assert found["resource"] == "https://api.example.org/auth/orders"


@pytest.mark.parametrize("origin", [APP, OF_A_CLIENT])
@pytest.mark.parametrize("path", ["/token", "/oauth2/revoke", "/introspect"])
def test_pages_of_allowed_origins_may_use_the_endpoints(gateway: Caller, path: str, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = gateway.ask("OPTIONS", path, headers=asked)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    form = {**GRANT, "token": "x"}
    for secret, status in (("shop-secret", 200), ("wrong", 401)):
        reply = post(gateway, path, form, secret, Origin=origin)
        assert reply.status == status
        assert reply.headers["access-control-allow-origin"] == origin
        assert "WWW-Authenticate" in reply.headers["access-control-expose-headers"]


def test_pages_of_other_origins_get_no_permission(gateway: Caller) -> None:
    origin = {"Origin": "https://evil.example.org"}
    preflight = gateway.ask("OPTIONS", "/token", headers=origin | {"Access-Control-Request-Method": "POST"})
    reply = post(gateway, "/token", GRANT, **origin)
    for one in (preflight, reply):
        assert "access-control-allow-origin" not in one.headers
        assert one.headers["vary"] == "Origin"


def test_what_the_metadata_names_can_be_asked_for(gateway: Caller) -> None:
    resource = gateway.get("/.well-known/oauth-protected-resource/auth/orders").json["resource"]
    form = {**GRANT, "scope": " orders.read ", "resource": resource}
    reply = post(gateway, "/token", form)
    assert (reply.status, reply.json["scope"]) == (200, "am_application_scope orders.read")
    facts = post(gateway, "/introspect", {"token": reply.json["access_token"]}).json
    assert facts["aud"] in (resource, [resource])


def test_another_scheme_beside_credentials_in_the_form_is_no_attempt(gateway: Caller) -> None:
    form = {**GRANT, "client_id": "shop", "client_secret": "shop-secret"}
    headers = {"Content-Type": FORM, "Authorization": "Bearer of-an-earlier-call"}
    reply = gateway.ask("POST", "/token", urlencode(form).encode(), headers)
    assert reply.status == 200
    alone = gateway.ask("POST", "/token", urlencode(GRANT).encode(), headers)
    assert (alone.status, alone.error) == (401, "invalid_client")


@pytest.mark.parametrize("encoded", [True, False], ids=["form-encoded", "raw, as curl -u"])
def test_a_secret_with_special_characters_is_taken_in_either_spelling(gateway: Caller, encoded: bool) -> None:
    secret = quote_plus(SPECIAL) if encoded else SPECIAL
    reply = post(gateway, "/token", GRANT, **basic("special", secret))
    assert reply.status == 200
    assert post(gateway, "/token", GRANT, **basic("special", secret + "x")).status == 401
