from gateway.assembly.metadata import about_the_resources, about_the_server
from tests.config.example import settings

TEXT = """
server: {public_url: https://auth.example}
upstreams: {o: {servers: [{url: "http://h"}]}}
scopes: {application: null}
clients: [{id: a, secrets: [x], scopes: [secret.scope]}]
routes:
  - {path: /orders, upstream: o, methods: [GET], scopes: [orders.read]}
  - {path: /orders, upstream: o, methods: [POST], scopes: [orders.write]}
  - {path: /open, upstream: o, auth: none}
  - {path: /off, upstream: o, scopes: [hidden], enabled: false}
"""


def test_only_scopes_that_are_public_anyway_are_told() -> None:
    members = about_the_server(settings(TEXT), ["client_credentials"])
    assert members["issuer"] == "https://auth.example"
    assert members["scopes_supported"] == ["default", "orders.read", "orders.write"]


def test_each_path_with_a_guarded_route_is_a_resource() -> None:
    found = about_the_resources(settings(TEXT))
    assert set(found) == {(), ("orders",)}
    assert found["orders",]["resource"] == "https://auth.example/orders"
    assert found["orders",]["scopes_supported"] == ["orders.read", "orders.write"]
    assert found[()]["resource"] == "https://auth.example"
