"""RFC 8414 and RFC 9728."""

import json
import re
from urllib.parse import urlsplit

import pytest

from tests.standards.caller import ISSUER, Caller

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
EVIL = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}


def test_the_issuer_and_every_endpoint_come_from_the_configuration(gateway: Caller) -> None:
    for path in (SERVER, RESOURCE, RESOURCE + "/orders"):
        plain, strange = gateway.ask("GET", path), gateway.ask("GET", path, headers=EVIL)
        assert plain.status == 200
        assert plain.body == strange.body
    members = gateway.get(SERVER).json
    assert members["issuer"] == ISSUER
    assert {name: members[name] for name in members if name.endswith("_endpoint")} == {
        "token_endpoint": ISSUER + "/token",
        "revocation_endpoint": ISSUER + "/revoke",
        "introspection_endpoint": ISSUER + "/introspect",
        "authorization_endpoint": ISSUER + "/authorize",
    }


def test_what_is_supported_is_reported_explicitly(gateway: Caller) -> None:
    members = gateway.get(SERVER).json
    assert members["grant_types_supported"] == ["client_credentials", "password", "refresh_token"]
    methods = set(members["token_endpoint_auth_methods_supported"])
    assert {"client_secret_basic", "client_secret_post"} <= methods
    assert "none" not in methods
    assert {"default", "am_application_scope", "orders.read", "orders.write"} <= set(
        members["scopes_supported"]
    )


def test_no_member_is_empty(gateway: Caller) -> None:
    members = gateway.get(SERVER).json
    empty = {name for name, value in members.items() if value in (None, "", [], {}, False)}
    assert not empty
    for path in ("", "/any", "/orders"):
        assert all(gateway.get(RESOURCE + path).json.values())
    assert "scopes_supported" not in gateway.get(RESOURCE + "/any").json


@pytest.mark.parametrize("path", ["/any", "/orders", "/for/api"])
def test_the_url_of_a_challenge_leads_to_the_resource_that_it_names(gateway: Caller, path: str) -> None:
    challenge = gateway.get(path).headers["www-authenticate"]
    found = re.search(r'resource_metadata="([^"]+)"', challenge)
    assert found is not None
    assert found[1] == ISSUER + RESOURCE + path
    members = gateway.get(urlsplit(found[1]).path).json
    # RFC 9728 section 3.3: the identifier that the well-known part was put into.
    assert members["resource"] == ISSUER + path
    assert members["authorization_servers"] == [ISSUER]
    assert members["bearer_methods_supported"] == ["header"]


def test_a_resource_names_the_scopes_of_all_its_methods(gateway: Caller) -> None:
    assert gateway.get(RESOURCE + "/orders").json["scopes_supported"] == ["orders.read", "orders.write"]
    assert gateway.get(RESOURCE).json["resource"] == ISSUER


@pytest.mark.parametrize("path", ["/", "/nothing", "/open", "/ORDERS", "/for"])
def test_what_is_no_protected_resource_is_not_found(gateway: Caller, path: str) -> None:
    reply = gateway.get(RESOURCE + path)
    assert reply.status == 404
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/orders/7", "/orders/", "/any/a%2Fb"])
def test_what_lies_below_a_prefix_route_is_a_resource_too(gateway: Caller, path: str) -> None:
    members = gateway.get(RESOURCE + path).json
    # RFC 9728 section 3.3: the identifier that the well-known part was put into, byte for byte.
    assert members["resource"] == ISSUER + path


def test_openid_clients_find_the_same_document(gateway: Caller) -> None:
    assert gateway.get("/.well-known/openid-configuration").json == gateway.get(SERVER).json


def test_the_authorization_endpoint_says_that_no_such_grant_is_served(gateway: Caller) -> None:
    url = gateway.get(SERVER).json["authorization_endpoint"]
    assert url == ISSUER + "/authorize"
    reply = gateway.get("/authorize?response_type=code&client_id=demo")
    assert (reply.status, reply.json["error"]) == (400, "unsupported_response_type")
    assert "authorization code grant is not served" in reply.json["error_description"]


@pytest.mark.parametrize("path", [SERVER, RESOURCE + "/orders", "/jwks", "/.well-known/openid-configuration"])
def test_pages_of_every_origin_may_read_what_is_public(gateway: Caller, path: str) -> None:
    headers = {"Origin": "https://inspector.example", "Access-Control-Request-Method": "GET"}
    assert gateway.ask("GET", path, headers=headers).headers["access-control-allow-origin"] == "*"
    preflight = gateway.ask(
        "OPTIONS", path, headers=headers | {"Access-Control-Request-Headers": "mcp-protocol-version"}
    )
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == "*"


@pytest.mark.parametrize("path", [SERVER, RESOURCE, RESOURCE + "/orders"])
def test_the_documents_are_read_only_and_may_be_kept(gateway: Caller, path: str) -> None:
    got, head = gateway.get(path), gateway.ask("HEAD", path)
    assert got.headers["content-type"] == "application/json"
    assert "max-age" in got.headers["cache-control"]
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(got.body))
    json.loads(got.body)
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        wrong = gateway.ask(method, path)
        assert (wrong.status, wrong.headers["allow"]) == (405, "GET, HEAD")
