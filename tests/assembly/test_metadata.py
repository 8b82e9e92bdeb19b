"""The metadata documents, as gateway.yaml makes them."""

from typing import Any

import pytest

from gateway.assembly.metadata import (
    authorization_server_metadata,
    protected_resource_metadata,
    sees_certificates,
)
from tests.config.example import settings

ROUTES = """\
server: {public_url: "https://gate.example"}
scopes: {default: [default], application: app}
issuers: {corp: {issuer: "https://id.example.org", audiences: [a]}}
clients: [{id: a, secrets: [x], scopes: [of.one.client]}]
routes:
  - {path: /orders, methods: [GET], upstream: "http://h", scopes: [read]}
  - {path: /orders, methods: [POST], upstream: "http://h", scopes: [write], issuers: [corp]}
  - {path: /corp, upstream: "http://h", issuers: [corp], own_tokens: false}
  - {path: /open, upstream: "http://h", auth: none}
  - {path: /off, upstream: "http://h", scopes: [hidden], enabled: false}
"""
GRANTS = ["client_credentials"]


def server(text: str = ROUTES, **further: Any) -> dict[str, Any]:
    return dict(authorization_server_metadata(settings(text), GRANTS, further))


def resources(text: str = ROUTES) -> dict[tuple[str, ...], dict[str, Any]]:
    found = protected_resource_metadata(settings(text))
    return {segments: dict(resource.members) for (_, segments), resource in found.items()}


def test_every_endpoint_is_under_the_public_url() -> None:
    found = server()
    assert found["issuer"] == "https://gate.example"
    assert {name: url for name, url in found.items() if name.endswith(("_endpoint", "_uri"))} == {
        "token_endpoint": "https://gate.example/token",
        "revocation_endpoint": "https://gate.example/revoke",
        "introspection_endpoint": "https://gate.example/introspect",
        "jwks_uri": "https://gate.example/jwks",
        "authorization_endpoint": "https://gate.example/authorize",
    }


def test_scopes_are_those_that_are_public_anyway() -> None:
    assert server()["scopes_supported"] == ["app", "default", "read", "write"]
    assert server("scopes: {default: [d], application: null}")["scopes_supported"] == ["d"]


def test_grants_are_named_and_what_is_empty_is_left_out() -> None:
    found = server(nothing=[], something=["x"])
    assert found["grant_types_supported"] == GRANTS
    assert found["response_types_supported"] == ["none"]
    assert ("nothing" in found, found["something"]) == (False, ["x"])


@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
def test_signing_algorithms_are_reported_and_none_is_not_among_them(endpoint: str) -> None:
    """RFC 8414 section 2."""
    found = server()[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    assert found
    assert "none" not in found
    assert not [name for name in found if name.startswith("HS")]


def test_certificates_are_spoken_of_only_where_clients_can_show_them() -> None:
    methods = "token_endpoint_auth_methods_supported"
    bound = "tls_client_certificate_bound_access_tokens"
    assert not sees_certificates(settings(ROUTES))
    assert "tls_client_auth" not in server()[methods]
    assert bound not in server()
    text = "server: {trusted_proxies: [10.0.0.0/8]}"
    assert sees_certificates(settings(text))
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(server(text)[methods])
    assert server(text)[bound] is True
    assert resources(text)[()][bound] is True


def test_each_protected_path_is_a_resource_and_so_is_the_gateway() -> None:
    found = resources()
    assert set(found) == {(), ("orders",), ("corp",)}
    assert found[()]["resource"] == "https://gate.example"
    assert found["orders",]["resource"] == "https://gate.example/orders"
    assert found["orders",]["scopes_supported"] == ["read", "write"]


def test_each_resource_names_those_whose_tokens_it_takes_once() -> None:
    found = resources()
    own, corp = "https://gate.example", "https://id.example.org"
    assert found["orders",]["authorization_servers"] == [own, corp]
    assert found["corp",]["authorization_servers"] == [corp]
    assert found[()]["authorization_servers"] == [own]


def test_the_operator_adds_members_and_takes_them_out() -> None:
    found = server('metadata: {service_documentation: "https://docs.example", authorization_endpoint: null}')
    assert found["service_documentation"] == "https://docs.example"
    assert "authorization_endpoint" not in found


def test_the_first_path_of_an_endpoint_is_named_and_a_path_of_the_issuer_comes_first() -> None:
    text = 'server: {public_url: "https://gate.example/auth", endpoints: {token: [/oauth2/token, /token]}}'
    found = server(text)
    assert (found["issuer"], found["token_endpoint"]) == (
        "https://gate.example/auth",
        "https://gate.example/auth/oauth2/token",
    )
    assert resources(text)[()]["resource"] == "https://gate.example/auth"


def test_a_route_with_a_literal_host_is_a_resource_of_that_host() -> None:
    text = """\
server: {public_url: "https://gate.example:8243"}
routes:
  - {path: /mcp, host: mcp.example, upstream: "http://h"}
  - {path: /mcp, host: "*.shop.example", upstream: "http://h"}
"""
    found = protected_resource_metadata(settings(text))
    assert found["mcp.example", ("mcp",)].members["resource"] == "https://mcp.example:8243/mcp"
    assert found[None, ("mcp",)].members["resource"] == "https://gate.example:8243/mcp"
