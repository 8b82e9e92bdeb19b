"""`gatepost import`: what other products are configured with, as YAML that `check` accepts."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config.load import load_text
from gateway.converters.kong import template_of
from gateway.plugin.catalog import PluginCatalog
from tests.commands.conftest import gatepost, said, shown

OPENAPI = """\
openapi: 3.1.0
info: {title: Shop, version: 1.0.11}
servers:
  - {url: "https://{region}.shop.example/api/v3", variables: {region: {default: eu}}}
security: [{shop: [read]}]
paths:
  /pet: {put: {security: [{shop: [read, write]}]}, post: {security: [{shop: [read, write]}]}}
  "/pet/{petId}":
    get: {security: [{key: []}, {shop: [read]}]}
    delete: {}
  "/pet/{petId}.json": {get: {}}
  /keyed: {get: {security: [{key: []}]}}
  /open: {get: {security: []}}
  /maybe: {get: {security: [{}, {shop: []}]}}
  /odd: {$ref: "#/components/pathItems/odd"}
  /far: {$ref: "other.yaml#/x"}
components:
  pathItems: {odd: {get: {servers: [{url: "http://odd.example:81/x"}], security: [{basic: []}]}}}
  securitySchemes:
    shop:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: "https://x", scopes: {read: to read, write: to write}}}
    key: {type: apiKey, name: X-Key, in: header}
    basic: {type: http, scheme: basic}
"""
SWAGGER = """\
swagger: "2.0"
info: {title: Old, version: "1"}
host: old.example
basePath: /v1
schemes: [http]
securityDefinitions:
  oauth: {type: oauth2, flow: application, tokenUrl: "https://x", scopes: {read: to read}}
paths:
  /things: {get: {security: [{oauth: [read]}]}, head: {security: [{oauth: [read]}]}, patch: {}}
"""
KONG = """\
_format_version: "3.0"
services:
  - name: orders
    url: http://orders.internal:9001/base
    connect_timeout: 2000
    plugins:
      - {name: oauth2, config: {scopes: [read, write], mandatory_scope: true}}
      - {name: acl, config: {allow: [shops, partners]}}
    routes:
      - name: orders
        paths: [/orders, '~/v2/orders/(?<id>\\d+)/lines$']
        hosts: [api.example.org]
        methods: [GET]
        plugins:
          - {name: rate-limiting, config: {minute: 60, limit_by: ip}}
          - {name: proxy-cache}
      - name: keyed
        paths: [/keyed]
        strip_path: false
        preserve_host: true
        headers: {X-Version: ["1", "2"]}
        plugins: [{name: oauth2, enabled: false}, {name: key-auth}]
  - name: open
    host: balanced
    routes:
      - {name: all, paths: [/open]}
      - {name: raw, protocols: [tcp]}
      - {name: odd, paths: ["~/a.*b"]}
upstreams:
  - name: balanced
    algorithm: least-connections
    targets: [{target: "10.0.0.1:9001", weight: 100}, {target: "10.0.0.2:9001", weight: 50}]
    healthchecks: {active: {http_path: /health, healthy: {interval: 5, successes: 1}}}
consumers:
  - username: shop
    acls: [{group: shops}]
    oauth2_credentials: [{name: Shop, client_id: shop-id, client_secret: the-secret-of-the-shop}]
    keyauth_credentials: [{key: 0123456789abcdefghi}, {key: short}]
  - {username: bare}
plugins:
  - {name: correlation-id, config: {header_name: X-Request-Id}}
"""
WSO2 = """\
type: api
version: v4.2.0
data:
  name: PizzaShackAPI
  context: /pizzashack
  version: 1.0.0
  isDefaultVersion: true
  policies: [Unlimited, Gold]
  corsConfiguration: {corsConfigurationEnabled: true, accessControlAllowOrigins: ["https://app.example.org"]}
  endpointConfig: {endpoint_type: http, production_endpoints: {url: "https://pizza.example:9443/api/"}}
  scopes: [{scope: {name: order_pizza, description: to order pizza}}]
  operations:
    - {target: /order, verb: POST, authType: Application & Application User, scopes: [order_pizza]}
    - {target: /menu, verb: GET, authType: None}
    - {target: "/order/{orderId}", verb: GET, authType: Any}
    - {target: "/order/{orderId}", verb: PUT, authType: Any}
    - {target: "/files/*", verb: GET, authType: Any}
    - {target: "/*", verb: SUBSCRIBE}
"""
WSO2_DEFINITION = """\
openapi: 3.0.1
info: {title: Pizza, version: 1.0.0}
x-wso2-basePath: /pizza/1.0.0
x-wso2-production-endpoints: {urls: ["https://pizza.example/api"], type: http}
security: [{default: []}]
paths:
  /menu: {get: {x-auth-type: None}}
  /order: {post: {security: [{default: [order_pizza]}], x-throttling-tier: 10KPerMin}}
"""
WSO2_APPLICATION = """\
type: application
data:
  applicationInfo:
    name: Web shop
    keys:
      - consumerKey: the-key
        consumerSecret: the-secret-of-it
        keyType: PRODUCTION
        supportedGrantTypes: [password]
  subscribedAPIs: [{apiId: {apiName: PizzaShackAPI, version: 1.0.0}}]
"""
WSO2_OLD = {
    "id": {"providerName": "admin", "apiName": "Old", "version": "1.0"},
    "context": "/old/1.0",
    "uriTemplates": [{"uriTemplate": "/*", "httpVerb": "GET", "authType": "Any", "scope": {"key": "read"}}],
    "endpointConfig": json.dumps(
        {"production_endpoints": {"url": "http://old.example"}, "endpoint_type": "http"}
    ),
}


def imported(kind: str, text: str, folder: Path, name: str = "source.yaml") -> tuple[dict[str, Any], str]:
    """The YAML that is printed, which `check` must accept, and the notes on standard error."""
    (folder / name).write_text(text)
    result = gatepost("import", kind, str(folder / name))
    assert result.exit_code == 0, result.stderr
    load_text(result.stdout, {}, PluginCatalog())
    for note in result.stderr.splitlines():
        assert f"# - {note.partition(': ')[2]}" in result.stdout.splitlines(), "comments say the same"
    document: dict[str, Any] = yaml.safe_load(result.stdout)
    return document, result.stderr


def by_path(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The routes as `GET,HEAD /path`, each with the keys that matter here."""
    return {
        f"{','.join(route.pop('methods', ['*']))} {route.pop('path')}": route for route in document["routes"]
    }


def test_openapi_operations_become_routes_with_their_scopes(tmp_path: Path) -> None:
    document, notes = imported("openapi", OPENAPI, tmp_path)
    upstream = {"servers": [{"url": "https://eu.shop.example"}], "host_header": "eu.shop.example"}
    assert document["upstreams"]["eu"] == upstream
    shared = {"match": "exact", "upstream": "eu", "strip_prefix": False}
    key = [{"use": "api_key", "with": {"header": "X-Key", "token": False}}]
    assert by_path(document) == {
        "POST,PUT /api/v3/pet": shared | {"scopes": ["read", "write"]},
        "GET,DELETE /api/v3/pet/{petId}": shared | {"scopes": ["read"]},
        "GET /api/v3/keyed": shared | {"plugins": key},
        "GET /api/v3/open": shared | {"auth": "none"},
        "GET /api/v3/maybe": shared | {"auth": "none"},
        "GET /x/odd": shared | {"upstream": "odd"},
    }
    assert "GET /pet/{petId}: accepts key or shop: shop is taken" in notes
    assert "GET /odd: security basic (http basic) has no counterpart" in notes
    assert "/far: other.yaml#/x is in another file: left out" in notes
    assert "GET /api/v3/pet/{petId_json}: left out: can't be reached" in notes


def test_the_same_as_json(tmp_path: Path) -> None:
    document, notes = imported("openapi", OPENAPI, tmp_path)
    found = shown("import", "openapi", str(tmp_path / "source.yaml"), "--json")
    assert found == {
        "configuration": document,
        "notes": [line.partition(": ")[2] for line in notes.splitlines()],
    }


def test_swagger_2_is_read_too(tmp_path: Path) -> None:
    document, notes = imported("openapi", SWAGGER, tmp_path)
    assert document["upstreams"]["old"]["servers"] == [{"url": "http://old.example"}]
    routes = by_path(document)
    assert routes["GET,HEAD /v1/things"]["scopes"] == ["read"]
    assert "auth" not in routes["PATCH /v1/things"], "what is not said opens nothing"
    assert "PATCH /things: says nothing of security: it needs a token" in notes


def test_kongs_entities_become_upstreams_routes_plugins_and_clients(tmp_path: Path) -> None:
    document, notes = imported("kong", KONG, tmp_path)
    assert document["upstreams"]["open"] == {
        "servers": [
            {"url": "http://10.0.0.1:9001", "weight": 100},
            {"url": "http://10.0.0.2:9001", "weight": 50},
        ],
        "balance": "least_requests",
        "health": {"path": "/health", "interval": "5s", "healthy_after": 1},
        "host_header": "balanced",
    }
    assert document["upstreams"]["orders"] == {
        "servers": [{"url": "http://orders.internal:9001/base"}],
        "host_header": "orders.internal",
        "timeouts": {"connect": "2000ms"},
    }
    assert "host_header" not in document["upstreams"]["orders-2"], "the host is preserved"
    orders, template, keyed, _, everything = document["routes"]
    assert (orders["path"], orders["host"], orders["methods"]) == ("/orders", "api.example.org", ["GET"])
    assert orders["scopes"] == ["read", "group:partners|shops"]
    limit = {"limit": 60, "per": "1m", "by": "address", "name": "minute"}
    assert orders["plugins"] == [{"use": "rate_limit", "with": limit}]
    assert (template["path"], template["match"]) == ("/v2/orders/{id}/lines", "exact")
    assert (keyed["where"], keyed["strip_prefix"]) == ({"headers": {"X-Version": "1"}}, False)
    assert keyed["plugins"][0] == {"use": "api_key", "with": {"header": "apikey", "token": True}}
    assert everything == {"path": "/open", "upstream": "open", "auth": "none"}
    (shop,) = document["clients"]
    assert (shop["id"], shop["scopes"]) == ("shop-id", ["group:partners|shops", "read", "write"])
    assert (len(shop["secrets"]), len(shop["api_keys"])) == (1, 1)
    assert "the-secret-of-the-shop" not in yaml.safe_dump(document), "its SHA-256 is enough"
    assert document["plugins"] == [{"use": "request_id", "with": {"header": "X-Request-Id"}}]
    for note in (
        "the plugin proxy-cache has no counterpart",
        "route raw: is not HTTP",
        "~/a.*b",
        "consumer bare",
    ):
        assert note in notes


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (r"/a/(?<id>\d+)$", "/a/{id}"),
        (r"^/a/[^/]+/b", "/a/{part1}/b"),
        (r"/a\.b", "/a.b"),
        (r"/a/.*", None),
        (r"/(a|b)", None),
    ],
)
def test_a_regular_expression_that_is_a_template_becomes_one(pattern: str, path: str | None) -> None:
    found = template_of(pattern)
    assert (None if found is None else found.text) == path


def test_wso2_apis_become_routes_beneath_their_context(tmp_path: Path) -> None:
    document, notes = imported("wso2", WSO2, tmp_path, "api.yaml")
    assert document["upstreams"]["PizzaShackAPI"]["servers"] == [{"url": "https://pizza.example:9443/api"}]
    routes = by_path(document)
    assert len(routes) == 8, "with and without the version"
    order = routes["POST /pizzashack/1.0.0/order"]
    assert order["scopes"] == ["order_pizza"]
    assert order["plugins"] == [
        {"use": "rewrite", "with": {"path": "/pizzashack/1.0.0/order", "to": "/order"}}
    ]
    assert routes["GET /pizzashack/menu"]["auth"] == "none"
    assert "GET,PUT /pizzashack/1.0.0/order/{orderId}" in routes
    assert "match" not in routes["GET /pizzashack/1.0.0/files"]
    assert document["tiers"] == {"gold": "5000 per 1m"}
    assert document["plugins"][0]["use"] == "cors"
    assert "SUBSCRIBE is no method of HTTP" in notes
    sent = gatepost("import", "wso2", str(tmp_path / "api.yaml")).stdout
    (tmp_path / "gateway.yaml").write_text(sent)
    for path, upstream in (("order/7", "/api/order/7"), ("files/a/b", "/api/files/a/b")):
        told = gatepost("explain", "GET", f"/pizzashack/1.0.0/{path}", "-c", str(tmp_path / "gateway.yaml"))
        assert f"GET {upstream} HTTP/1.1" in told.stdout


def test_wso2_extensions_of_openapi_are_read(tmp_path: Path) -> None:
    document, notes = imported("wso2", WSO2_DEFINITION, tmp_path)
    routes = by_path(document)
    assert routes["GET /pizza/1.0.0/menu"]["auth"] == "none"
    assert routes["POST /pizza/1.0.0/order"]["scopes"] == ["order_pizza"]
    assert "10KPerMin" in notes


def test_an_application_of_wso2_becomes_a_client_with_its_own_secret(tmp_path: Path) -> None:
    document, notes = imported("wso2", WSO2_APPLICATION, tmp_path)
    (client,) = document["clients"]
    assert (client["id"], client["name"]) == ("the-key", "Web shop (PRODUCTION)")
    assert client["secrets"][0].startswith("sha256:")
    assert "is subscribed to PizzaShackAPI 1.0.0" in notes


def test_exports_of_apictl_are_read_as_archive_and_as_folder(tmp_path: Path) -> None:
    archive = tmp_path / "PizzaShackAPI_1.0.0.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("PizzaShackAPI-1.0.0/api.yaml", WSO2)
        file.writestr("PizzaShackAPI-1.0.0/Definitions/swagger.yaml", WSO2_DEFINITION)
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "folder")
    texts = [gatepost("import", "wso2", str(path)).stdout for path in (archive, tmp_path / "folder")]
    assert texts[0] == texts[1]
    assert "path: /pizzashack/1.0.0/order" in texts[0]


def test_an_api_of_version_2_is_read(tmp_path: Path) -> None:
    document, _ = imported("wso2", json.dumps(WSO2_OLD), tmp_path, "api.json")
    (route,) = document["routes"]
    assert (route["path"], route["methods"], route["scopes"]) == ("/old/1.0", ["GET"], ["read"])
    assert document["upstreams"]["Old"]["servers"] == [{"url": "http://old.example"}]


def test_what_others_wrote_means_nothing_here(tmp_path: Path) -> None:
    text = OPENAPI.replace("read: to read", 'read: "${HOME}\\n- evil: 1"').replace("[read]", '["${HOME}"]')
    document, _ = imported("openapi", text, tmp_path)
    assert by_path(document)["GET,DELETE /api/v3/pet/{petId}"]["scopes"] == ["$${HOME}"]


@pytest.mark.parametrize("kind", ["openapi", "kong", "wso2"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "neither YAML nor JSON"),
        ("[]", "must be a mapping"),
        ("a: 1", "it "),
        ("", "must be a mapping"),
    ],
)
def test_another_document_is_refused_in_one_line(kind: str, text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text)
    assert problem in said("import", kind, str(tmp_path / "f"), code=2)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert "No such file" in said("import", "kong", str(tmp_path / "no"), code=2)
    (tmp_path / "empty").mkdir()
    assert "no export of apictl" in said("import", "wso2", str(tmp_path / "empty"), code=2)
