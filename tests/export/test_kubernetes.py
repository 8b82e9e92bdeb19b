"""What comes of gateway.yaml as resources of the Gateway API and of Envoy Gateway."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import trustme
from jsonschema import Draft7Validator

from gateway.config.differences import route_id
from gateway.config.upstreams import UpstreamConfig
from gateway.export.envoy_listeners import GRANTED, REMOVED
from gateway.export.envoy_routes import ROUTE_ID
from gateway.export.kubernetes import KubernetesExport, KubernetesOptions, export_kubernetes
from gateway.export.kubernetes_backends import traffic_policy, what_kubernetes_lacks
from gateway.export.kubernetes_gateway import sections
from gateway.export.kubernetes_objects import ObjectPlace, names, time
from gateway.export.kubernetes_routes import grpc_matches, matches, overlap, path_match
from gateway.http.endpoints import GatewayPaths
from tests.config.example import settings
from tests.export.envoy_gateway_schemas import SPECS
from tests.export.gateway_api import taken

PLACE = ObjectPlace(None, "gatepost")
FILE = """
server:
  listen: [{host: 127.0.0.1, port: 8000}, {port: 80, redirect: https}, {port: 443, tls: auto}]
  trusted_proxies: [10.0.0.0/8]
upstreams:
  orders: {servers: [{url: "http://orders.example:9001"}]}
  based: {servers: [{url: "http://h:9001/base"}]}
  calls: {protocol: grpc, servers: [{url: "http://calls:50051"}]}
  safe_calls: {protocol: grpc, servers: [{url: "https://calls:50051"}]}
routes:
"""
KEPT = "strip_prefix: false"
LIMITED = "plugins: [{use: limit, with: {limit: 1}}]"


def text(*routes: str, file: str = FILE) -> str:
    lines = [one if ", upstream:" in one else f"upstream: orders, {one}" for one in routes]
    return file + "\n".join(f"  - {{{line}}}" for line in lines)


def exported(*routes: str, file: str = FILE, **options: Any) -> KubernetesExport:
    found = export_kubernetes(settings(text(*routes, file=file)), KubernetesOptions(**options))
    accepted(found)
    return found


def accepted(found: KubernetesExport) -> None:
    """Envoy Gateway's resources are as its API has them, and no two of a kind share a name."""
    for one in found.resources:
        if one["kind"] in SPECS:
            problems = [
                error.message for error in Draft7Validator(SPECS[one["kind"]]).iter_errors(one["spec"])
            ]
            assert problems == [], one["metadata"]["name"]
    heads = [(one["kind"], one["metadata"]["name"]) for one in found.resources]
    assert len(set(heads)) == len(heads)


def of(found: KubernetesExport, kind: str) -> dict[str, dict[str, Any]]:
    """All resources of a kind, by name."""
    return {one["metadata"]["name"]: one for one in found.resources if one["kind"] == kind}


def ids(*routes: str) -> list[str]:
    return [route_id(route) for route in settings(text(*routes)).routes]


def test_names_are_of_rfc_1123_and_do_not_depend_on_the_order() -> None:
    texts = ["GET,HEAD /orders", "/a/b", "/a-b", "/é", "/", "/" + "long/" * 30, "/a-b-12345678"]
    found = names("route", texts)
    assert found["GET,HEAD /orders"] == "route-get-head-orders"
    assert len(set(found.values())) == len(texts)
    assert all(re.fullmatch("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) for name in found.values())
    assert re.fullmatch("route-a-b-[0-9a-f]{8}", found["/a/b"]), "another one's name would be the same"
    assert re.fullmatch("route-x-[0-9a-f]{8}", found["/"])
    assert names("route", reversed(texts)) == found
    assert names("route", ["/a/b"])["/a/b"] == "route-a-b"


def test_durations_are_as_the_gateway_api_writes_them() -> None:
    values = (0, 1.5, 0.25, 90, 129_600)
    assert [time(value) for value in values] == ["0s", "1s500ms", "250ms", "90s", "36h0s"]


@pytest.mark.parametrize(
    ("route", "match"),
    [
        ("path: /a", {"type": "PathPrefix", "value": "/a"}),
        ("path: /", {"type": "PathPrefix", "value": "/"}),
        ("path: /a, match: exact", {"type": "Exact", "value": "/a"}),
        ("path: '/a/{id}/b'", {"type": "RegularExpression", "value": "/a/[^/]+/b(/.*)?"}),
        ("path: '/a/{id}', match: exact", {"type": "RegularExpression", "value": "/a/[^/]+"}),
        ("path: /a.b, case_sensitive: false", {"type": "RegularExpression", "value": r"(?i)/a\.b(/.*)?"}),
    ],
)
def test_paths_are_prefixes_exact_or_patterns(route: str, match: dict[str, str]) -> None:
    (one,) = settings(text(route)).routes
    assert path_match(one) == match


def test_methods_headers_and_query_of_a_route_are_conditions_beside_its_id() -> None:
    route = "path: /a, methods: [GET, PUT], where: {headers: {X-V: '2'}, query: {b: '1', 'c d': '1'}}"
    (one,) = settings(text(route)).routes
    found = matches(one)
    assert [match["method"] for match in found] == ["GET", "PUT"]
    for match in found:
        assert [header["name"] for header in match["headers"]] == [ROUTE_ID, "X-V"]
        assert [(query["name"], query["value"]) for query in match["queryParams"]] == [("b", "1")]
    (other,) = settings(text("path: /a, methods: [GET, PROPFIND]")).routes
    assert ["method" in match for match in matches(other)] == [False], "the Gateway API has no such method"


def test_a_rule_takes_what_gatepost_has_named_for_it_and_nothing_else() -> None:
    routes = (f"path: /a, {KEPT}, methods: [GET]", f"path: /a/b, {KEPT}", f"path: '/c/{{id}}', {KEPT}")
    found = exported(*routes).resources
    first, second, third = ids(*routes)
    for path, said, name in (
        ("/a/x", first, "route-get-a"),
        ("/a/b/x", second, "route-a-b"),
        ("/c/7", third, "route-c-id"),
        # What Gatepost and Envoy read differently goes to Gatepost.
        ("/a/x", second, "gatepost-judged"),
        ("/a", "?", "gatepost-judged"),
        ("/a", "forged", "gatepost-judged"),
        ("/nowhere", "?", "gatepost-judged"),
    ):
        where = taken(found, path, said=said)
        assert where is not None
        assert where[0] == name, (path, said)
        (backend,) = where[1]["backendRefs"]
        assert (backend["kind"] == "Service") is (name == "gatepost-judged")


def test_clients_can_not_name_a_route_and_gatepost_is_asked_by_the_same_header() -> None:
    found = exported(f"path: /a, {KEPT}")
    for policy in of(found, "ClientTrafficPolicy").values():
        early = policy["spec"]["headers"]["earlyRequestHeaders"]
        assert early["set"] == [{"name": ROUTE_ID, "value": "?"}]
        assert {*early["remove"], ROUTE_ID} == set(REMOVED)
        assert policy["spec"]["headers"]["withUnderscoresAction"] == "DropHeader"
    (security,) = of(found, "SecurityPolicy").values()
    check = security["spec"]["extAuth"]
    assert ROUTE_ID in check["headersToExtAuth"]
    assert check["http"]["headersToBackend"] == list(GRANTED)
    assert (check["http"]["path"], check["failOpen"], check["recomputeRoute"]) == (
        "/auth/verify",
        False,
        True,
    )


def test_everything_is_judged_but_what_gatepost_answers_or_proxies_itself() -> None:
    found = exported(f"path: /a, {KEPT}", f"path: /kept, {LIMITED}", f"path: /b, auth: none, {KEPT}")
    judged = {
        name
        for name, one in of(found, "HTTPRoute").items()
        if one["metadata"]["labels"].get("gatepost/judged") == "true"
    }
    assert set(of(found, "HTTPRoute")) - judged == {
        "gatepost-redirect",
        "gatepost-verify",
        "gatepost-endpoints",
        "gatepost-proxied",
    }
    assert judged == {"gatepost-judged", "route-a", "route-b"}
    (security,) = of(found, "SecurityPolicy").values()
    for selector in security["spec"]["targetSelectors"]:
        assert selector["matchLabels"] == {"gatepost/judged": "true"}


def test_nobody_asks_through_envoy_and_the_gateways_endpoints_are_reached() -> None:
    resources = exported(f"path: /, {KEPT}").resources
    for path in ("/auth/verify", "/auth/verify/orders"):
        where = taken(resources, path)
        assert where is not None
        assert where[0] == "gatepost-verify"
        assert "backendRefs" not in where[1]
    for path in (*GatewayPaths().exact, "/portal/keys", "/.well-known/oauth-protected-resource/orders"):
        where = taken(resources, path)
        assert where is not None
        assert where[0] == "gatepost-endpoints", path
    (missing,) = [
        one for one in resources if one["kind"] == "HTTPRouteFilter" and "directResponse" in one["spec"]
    ]
    assert missing["spec"] == {"directResponse": {"statusCode": 404}}


def test_what_goes_to_gatepost_has_not_the_header_that_it_is_asked_by() -> None:
    routes = of(exported(f"path: /a, {KEPT}", f"path: /kept, {LIMITED}"), "HTTPRoute")
    for name in ("gatepost-judged", "gatepost-endpoints", "gatepost-proxied", "route-a"):
        (rule,) = routes[name]["spec"]["rules"]
        assert ROUTE_ID in rule["filters"][0]["requestHeaderModifier"]["remove"], name


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        ("path: /a", "rewrite_answers under strip_prefix"),
        (f"path: /a, {KEPT}, {LIMITED}", "the plugin limit"),
        (f"path: /a, {KEPT}, end_with_token: true", "end_with_token"),
        (f"path: /a, {KEPT}, token_from: ['cookie:a']", "token_from"),
        (f"path: /a, {KEPT}, mirror: {{upstream: 'http://m'}}", "mirror"),
        (f"path: /a, {KEPT}, canary: {{upstream: 'http://m', percent: 1}}", "canary"),
        (f"path: /a, {KEPT}, allow_headers: [X-Rewrite-URL]", "allow_headers"),
        (f"path: /a, {KEPT}, mcp: {{tools: {{a: [b]}}}}", "mcp"),
        (f"path: /a, {KEPT}, upstream: 'https://10.0.0.1'", "TLS to an address, and no tls.server_name"),
        (f"path: /a, {KEPT}, upstream: 'http://a_b'", "servers whose names Kubernetes does not take"),
    ],
)
def test_what_kubernetes_can_not_have_is_said_and_done_by_the_gateway(route: str, reason: str) -> None:
    found = exported(route)
    assert f"route /a: proxied by the gateway: {reason}" in found.notes
    where = taken(found.resources, "/a/b")
    assert where is not None
    assert where[0] == "gatepost-proxied"
    assert not [name for name in of(found, "HTTPRoute") if name.startswith("route-")]
    assert not of(found, "Backend")


def test_longer_paths_go_first_and_the_gateway_takes_all_of_a_path_that_it_has_a_part_in() -> None:
    resources = exported(
        f"path: /, {KEPT}, {LIMITED}",
        f"path: /a, {KEPT}, methods: [GET]",
        f"path: /a, {KEPT}, methods: [PUT], {LIMITED}",
        f"path: /b, {KEPT}",
        f"path: /b/c, {KEPT}, end_with_token: true",
    ).resources
    for path, name in (("/a", "proxied"), ("/b/c/d", "proxied"), ("/b/d", "judged"), ("/x", "proxied")):
        where = taken(resources, path)
        assert where is not None
        assert where[0] == f"gatepost-{name}", path


def test_routes_of_a_host_are_on_it_and_those_of_all_hosts_are_there_too() -> None:
    routes = (
        f"path: /a, {KEPT}",
        f"path: /b, {KEPT}, host: api.example.org",
        f"path: /c, {KEPT}, host: '*.example.org'",
        f"path: /kept, {LIMITED}",
    )
    found = exported(*routes)
    everywhere, of_host, of_wildcard, _ = ids(*routes)
    hosts = of(found, "HTTPRoute")
    assert hosts["route-api-example-org-b"]["spec"]["hostnames"] == ["api.example.org"]
    for host, path, said, name in (
        ("api.example.org", "/a", everywhere, "route-a-1"),
        ("api.example.org", "/b", of_host, "route-api-example-org-b"),
        ("api.example.org", "/c", of_wildcard, "route-example-org-c"),
        ("www.example.org", "/c", of_wildcard, "route-example-org-c"),
        ("www.example.org", "/a", everywhere, "route-a-1"),
        ("other.example", "/a", everywhere, "route-a"),
        ("other.example", "/b", of_host, "gatepost-judged"),
        ("api.example.org", "/kept", "?", "gatepost-proxied-2"),
        ("api.example.org", "/auth/verify", "?", "gatepost-verify-2"),
        ("api.example.org", "/token", "?", "gatepost-endpoints-2"),
    ):
        where = taken(found.resources, path, host=host, said=said)
        assert where is not None
        assert where[0] == name, (host, path)


def test_a_disabled_route_is_not_exported_and_one_without_an_upstream_is_left_out() -> None:
    found = exported(f"path: /a, {KEPT}, enabled: false", f"path: /b, {KEPT}")
    assert "route-a" not in of(found, "HTTPRoute")
    verified = export_kubernetes(settings(FILE + "  - {path: /a, verify_only: true}"), KubernetesOptions())
    assert "route /a: left out: verify_only, and no upstream to send it to" in verified.notes
    assert not of(verified, "Backend")


def test_under_strip_prefix_and_before_a_base_path_the_bytes_are_those_that_the_gateway_sends() -> None:
    found = exported(
        "path: /a/b, rewrite_answers: false",
        "path: /a/c, rewrite_answers: false",
        f"path: /d, {KEPT}, upstream: based",
        "path: /e, upstream: based, rewrite_answers: false",
    )
    rewrites = {
        name: one["spec"]["urlRewrite"]["path"]["replaceRegexMatch"]
        for name, one in of(found, "HTTPRouteFilter").items()
        if "urlRewrite" in one["spec"]
    }
    assert set(rewrites) == {"rewrite-strip-2", "rewrite-base", "rewrite-strip-1-base"}
    for name, path, sent in (
        ("rewrite-strip-2", "/a/b", "/"),
        ("rewrite-strip-2", "/a/b/", "/"),
        ("rewrite-strip-2", "/a/b//c%2F", "//c%2F"),
        ("rewrite-base", "/d", "/base/d"),
        ("rewrite-base", "/d/", "/base/d/"),
        ("rewrite-strip-1-base", "/e", "/base/"),
        ("rewrite-strip-1-base", "/e/f", "/base/f"),
    ):
        replaced = rewrites[name]
        assert re.sub(replaced["pattern"], replaced["substitution"], path) == sent, path
    (rule,) = of(found, "HTTPRoute")["route-a-b"]["spec"]["rules"]
    headers = rule["filters"][0]["requestHeaderModifier"]
    assert headers["set"] == [{"name": "X-Forwarded-Prefix", "value": "/a/b"}]
    assert rule["filters"][1]["extensionRef"]["name"] == "rewrite-strip-2"


def test_credentials_stay_at_the_edge_unless_the_route_forwards_them() -> None:
    for more, removed in (("", True), (", forward_token: true", False), (", auth: none", False)):
        (rule,) = of(exported(f"path: /a, {KEPT}{more}"), "HTTPRoute")["route-a"]["spec"]["rules"]
        headers = rule["filters"][0]["requestHeaderModifier"]["remove"]
        assert ("authorization" in headers) is removed


def test_headers_that_routes_go_by_are_shown_to_the_gateway() -> None:
    found = exported(f"path: /a, {KEPT}, where: {{headers: {{X-Version: '2'}}}}")
    (security,) = of(found, "SecurityPolicy").values()
    assert "x-version" in security["spec"]["extAuth"]["headersToExtAuth"]


def test_listeners_have_their_port_certificate_and_redirect() -> None:
    found = exported(f"path: /a, {KEPT}", namespace="shop")
    (one,) = of(found, "Gateway").values()
    assert one["metadata"]["namespace"] == "shop"
    plain, redirecting, tls = one["spec"]["listeners"]
    assert [(each["port"], each["protocol"]) for each in (plain, redirecting, tls)] == [
        (8000, "HTTP"),
        (80, "HTTP"),
        (443, "HTTPS"),
    ]
    assert tls["tls"]["certificateRefs"] == [{"group": "", "kind": "Secret", "name": "gatepost-tls-443"}]
    assert [note for note in found.notes if note.startswith("make the Secret gatepost-tls-443 ")]
    redirect = of(found, "HTTPRoute")["gatepost-redirect"]["spec"]
    assert [parent["sectionName"] for parent in redirect["parentRefs"]] == ["http-80"]
    done = [rule["filters"][0]["requestRedirect"] for rule in redirect["rules"]]
    assert done == [{"scheme": "https", "port": 443, "statusCode": status} for status in (301, 308)]
    parents = of(found, "HTTPRoute")["route-a"]["spec"]["parentRefs"]
    assert [parent["sectionName"] for parent in parents] == ["http-8000", "https-443"]
    policies = of(found, "ClientTrafficPolicy")
    assert "xForwardedClientCert" in policies["gatepost-https-443"]["spec"]["headers"]
    assert policies["gatepost-http-8000"]["spec"]["path"] == {
        "escapedSlashesAction": "KeepUnchanged",
        "disableMergeSlashes": True,
    }


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A certificate with its key, which stands for a CA too."""
    file = tmp_path / "a.pem"
    authority = trustme.CA()
    issued = authority.issue_cert("a.example")
    file.write_bytes(issued.private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes())
    return file


def test_http_3_the_proxy_protocol_and_certificates_of_clients_are_of_their_listener(pem: Path) -> None:
    file = FILE.replace(
        "{port: 443, tls: auto}",
        f"{{port: 443, tls: {{certificate: {pem}, key: {pem}, client_ca: {pem}}}, http: [1, 2, 3]}},"
        " {port: 9, proxy_protocol: true}, {unix: /run/g.sock}, {port: 0}",
    )
    found = exported(f"path: /a, {KEPT}", file=file)
    policies = of(found, "ClientTrafficPolicy")
    tls = policies["gatepost-https-443"]["spec"]
    assert tls["http3"] == {}
    (reference,) = tls["tls"]["clientValidation"]["caCertificateRefs"]
    assert [note for note in found.notes if note.startswith(f"make the ConfigMap {reference['name']} ")]
    assert policies["gatepost-http-9"]["spec"]["proxyProtocol"] == {"optional": False}
    assert "the listener unix:/run/g.sock: left out" in found.notes
    assert "the listener 0.0.0.0:0: left out: each needs a port of its own" in found.notes
    (one,) = of(found, "Gateway").values()
    assert {listener["port"] for listener in one["spec"]["listeners"]} == {8000, 80, 443, 9}


def test_without_a_port_there_is_nothing_to_export() -> None:
    file = FILE.replace(
        "[{host: 127.0.0.1, port: 8000}, {port: 80, redirect: https}, {port: 443, tls: auto}]", "[{port: 0}]"
    )
    found = exported(f"path: /a, {KEPT}", file=file)
    assert (found.resources, found.notes) == ((), ("no listener has a port: there is nothing to export",))


def test_calls_of_grpc_for_a_host_of_their_own_have_a_grpcroute_and_a_listener() -> None:
    found = exported(
        f"path: /a, {KEPT}, host: api.example.org",
        f"path: /shop.Orders/Get, {KEPT}, host: grpc.example.org, upstream: calls",
        f"path: /shop.Stock, {KEPT}, host: grpc.example.org, upstream: safe_calls",
        f"path: /, {KEPT}, host: other.example.org, upstream: calls",
    )
    routes = of(found, "GRPCRoute")
    assert set(routes) == {
        "gatepost-judged",
        "route-grpc-example-org-shop-orders-get",
        "route-grpc-example-org-shop-stock",
        "route-other-example-org",
    }
    (rule,) = routes["route-grpc-example-org-shop-orders-get"]["spec"]["rules"]
    assert rule["matches"][0]["method"] == {"type": "Exact", "service": "shop.Orders", "method": "Get"}
    assert rule["matches"][0]["headers"][0]["name"] == ROUTE_ID
    (service,) = routes["route-grpc-example-org-shop-stock"]["spec"]["rules"][0]["matches"]
    assert service["method"] == {"type": "Exact", "service": "shop.Stock"}
    (gateway,) = of(found, "Gateway").values()
    own = {one["hostname"]: one for one in gateway["spec"]["listeners"] if one.get("hostname") is not None}
    assert set(own) == {"grpc.example.org", "other.example.org"}
    for name, one in routes.items():
        labels = one["metadata"]["labels"]
        assert labels["gatepost/judged"] == "true"
        sections = {parent["sectionName"] for parent in one["spec"]["parentRefs"]}
        assert sections <= {listener["name"] for listener in own.values()}, name
    for one in of(found, "HTTPRoute").values():
        for parent in one["spec"]["parentRefs"]:
            assert parent["sectionName"] in ("http-8000", "https-443", "http-80")
    backends = of(found, "Backend")
    assert backends["upstream-calls"]["spec"]["appProtocols"] == ["gateway.envoyproxy.io/h2c"]
    assert "upstream-safe-calls" in of(found, "BackendTLSPolicy")


def test_calls_of_grpc_beside_other_requests_have_an_httproute_or_are_left_out() -> None:
    found = exported(
        f"path: /a, {KEPT}, host: '*.example.org'",
        f"path: /shop.Orders, {KEPT}, upstream: calls",
        f"path: /shop.Stock, {KEPT}, host: api.example.org, upstream: safe_calls",
    )
    assert not of(found, "GRPCRoute")
    (rule,) = of(found, "HTTPRoute")["route-shop-orders"]["spec"]["rules"]
    assert rule["matches"][0]["path"] == {"type": "PathPrefix", "value": "/shop.Orders"}
    assert (
        "route /shop.Orders: an HTTPRoute, without gRPC-Web: it shares its host, or has no TLS" in found.notes
    )
    assert (
        "route api.example.org/shop.Stock: left out: gRPC by TLS needs a host without other routes, and a "
        "listener with TLS" in found.notes
    )


def test_services_and_methods_of_grpc_are_told_by_the_path() -> None:
    def of_path(route: str) -> Any:
        (one,) = settings(text(f"{route}, {KEPT}, upstream: calls")).routes
        found = grpc_matches(one)
        return found and found[0].get("method", "any")

    assert of_path("path: /") == "any"
    assert of_path("path: /a.B") == {"type": "Exact", "service": "a.B"}
    assert of_path("path: /a.B/C, match: exact") == {"type": "Exact", "service": "a.B", "method": "C"}
    for other in ("path: /a-b", "path: '/{s}/C'", "path: /a.B, match: exact", "path: /a/b/c"):
        assert of_path(other) is None


def test_hosts_overlap_by_their_wildcards() -> None:
    assert overlap("a.example", "a.example")
    assert overlap("*.example", "b.a.example")
    assert overlap("a.example", "*.example")
    assert not overlap("a.example", "b.example")
    assert not overlap("*.a.example", "a.example")


UPSTREAM = "  - {path: /a, strip_prefix: false, upstream: o}"


def with_upstream(**changes: Any) -> KubernetesExport:
    upstream = {"servers": [{"url": "http://h:1"}], **changes}
    file = f"server: {{listen: [{{port: 8000}}]}}\nupstreams: {{o: {upstream}}}\nroutes:\n{UPSTREAM}"
    found = export_kubernetes(settings(file), KubernetesOptions(namespace="shop"))
    accepted(found)
    return found


def test_servers_alike_are_one_backend_and_others_have_their_weight() -> None:
    alike = with_upstream(servers=[{"url": "http://a:1"}, {"url": "http://b:2"}])
    (one,) = of(alike, "Backend").values()
    assert [end["fqdn"] for end in one["spec"]["endpoints"]] == [
        {"hostname": "a", "port": 1},
        {"hostname": "b", "port": 2},
    ]
    others = with_upstream(servers=[{"url": "http://a:1", "weight": 3}, {"url": "http://10.0.0.7"}])
    assert of(others, "Backend")["upstream-o-2"]["spec"]["endpoints"] == [
        {"ip": {"address": "10.0.0.7", "port": 80}}
    ]
    (rule,) = of(others, "HTTPRoute")["route-a"]["spec"]["rules"]
    assert [(one["name"], one["weight"]) for one in rule["backendRefs"]] == [
        ("upstream-o-1", 3),
        ("upstream-o-2", 1),
    ]


def test_a_service_of_the_namespace_is_named_as_one() -> None:
    (rule,) = of(with_upstream(servers=[{"url": "http://orders.shop.svc.cluster.local:9001"}]), "HTTPRoute")[
        "route-a"
    ]["spec"]["rules"]
    assert rule["backendRefs"] == [{"group": "", "kind": "Service", "name": "orders", "port": 9001}]
    other = with_upstream(servers=[{"url": "http://orders.else.svc:9001"}])
    assert "upstream-o" in of(other, "Backend"), "a grant would be needed"


def test_servers_with_tls_are_verified_by_their_name(pem: Path) -> None:
    servers = [{"url": "https://h.example"}]
    (policy,) = of(with_upstream(servers=servers), "BackendTLSPolicy").values()
    assert policy["spec"]["validation"] == {"hostname": "h.example", "wellKnownCACertificates": "System"}
    assert policy["spec"]["targetRefs"] == [
        {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "upstream-o"}
    ]
    own = with_upstream(servers=servers, tls={"server_name": "n.example", "ca": str(pem)})
    (policy,) = of(own, "BackendTLSPolicy").values()
    assert policy["spec"]["validation"] == {
        "hostname": "n.example",
        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "upstream-o-ca"}],
    }
    assert f"make the ConfigMap upstream-o-ca with the key ca.crt of {pem}" in own.notes
    trusting = with_upstream(servers=servers, tls={"verify": False})
    assert not of(trusting, "BackendTLSPolicy")
    assert of(trusting, "Backend")["upstream-o"]["spec"]["tls"] == {"insecureSkipVerify": True}


@pytest.mark.parametrize(
    ("changes", "lack"),
    [
        ({"host_header": "h.example:81"}, "host_header with a port or an address"),
        ({"health": {"port": 81}}, "health.port"),
        ({"health": {"headers": {"X-A": "b"}}}, "health.headers"),
        ({"health": {"host": "h"}}, "health.host"),
        ({"servers": [{"url": "unix:/run/a.sock"}]}, "servers on Unix sockets"),
        (
            {"servers": [{"url": "https://h"}], "tls": {"certificate": "/c.pem"}},
            "the gateway's certificate for upstreams (tls.certificate)",
        ),
        (
            {"servers": [{"url": f"http://h{n}", "weight": 1 + n % 2} for n in range(17)]},
            "more than 16 servers of different weights or kinds",
        ),
    ],
)
def test_what_an_upstream_can_not_have_is_said(changes: dict[str, Any], lack: str) -> None:
    upstream = UpstreamConfig.model_validate(
        {"servers": [{"url": "http://h"}], **changes}, context={"base": "/"}
    )
    assert list(what_kubernetes_lacks(upstream)) == [lack]


def test_the_host_that_goes_upstream_is_said_where_nothing_else_changes_the_path() -> None:
    found = with_upstream(host_header="inner.example")
    (rule,) = of(found, "HTTPRoute")["route-a"]["spec"]["rules"]
    assert {"type": "URLRewrite", "urlRewrite": {"hostname": "inner.example"}} in rule["filters"]
    other = with_upstream(host_header="inner.example", servers=[{"url": "http://h/base"}])
    reason = "host_header together with strip_prefix or a path in the upstream's URL"
    assert f"route /a: proxied by the gateway: {reason}" in other.notes


def policy(*, idempotent: bool = True, **changes: Any) -> dict[str, Any]:
    upstream = UpstreamConfig.model_validate({"servers": [{"url": "http://h"}], **changes})
    spec: dict[str, Any] = traffic_policy("o", upstream, PLACE, idempotent=idempotent)["spec"]
    return spec


def test_only_idempotent_methods_are_sent_again_after_they_may_have_been_done() -> None:
    retries = {"attempts": 3, "on": ["connect", "reset", "503"]}
    assert policy(retries=retries)["retry"] == {
        "numRetries": 3,
        "retryOn": {
            "triggers": ["connect-failure", "reset", "retriable-status-codes"],
            "httpStatusCodes": [503],
        },
    }
    assert policy(retries=retries, idempotent=False)["retry"]["retryOn"] == {"triggers": ["connect-failure"]}
    assert policy(retries={"on": ["503"]}, idempotent=False)["retry"] == {"numRetries": 0}
    assert policy(retries={"attempts": 0})["retry"]["numRetries"] == 0
    labels = {
        name: one["metadata"]["labels"]["gatepost/traffic"]
        for name, one in of(
            exported(f"path: /a, {KEPT}, methods: [GET]", f"path: /b, {KEPT}"), "HTTPRoute"
        ).items()
        if name.startswith("route-")
    }
    assert labels == {"route-get-a": "upstream-orders", "route-b": "upstream-orders-any-method"}


def test_health_breaker_timeouts_and_limits_of_an_upstream_are_in_its_policy() -> None:
    spec = policy(
        balance="least_requests",
        health={"path": "/up", "interval": "1.5s", "expect": {"status": (204,), "body": "ok"}},
        breaker={"failures": 7, "open_for": 4.0},
        timeouts={"connect": 0.25},
        max_connections=9,
        max_queue=1,
    )
    assert spec["loadBalancer"] == {"type": "LeastRequest", "slowStart": {"window": "10s"}}
    active = spec["healthCheck"]["active"]
    assert (active["interval"], active["http"]["expectedStatuses"]) == ("1s500ms", [204])
    assert active["http"]["expectedResponse"] == {"type": "Text", "text": "ok"}
    passive = spec["healthCheck"]["passive"]
    assert (passive["consecutiveLocalOriginFailures"], passive["baseEjectionTime"]) == (7, "4s")
    assert spec["healthCheck"]["panicThreshold"] == 0
    assert spec["timeout"]["tcp"] == {"connectTimeout": "250ms"}
    assert spec["timeout"]["http"]["requestTimeout"] == "0s"
    assert spec["circuitBreaker"]["maxConnections"] == 9
    assert spec["circuitBreaker"]["maxParallelRequests"] == 10
    calls = policy(protocol="grpc", health={}, timeouts={"deadline": "3s"}, breaker=None)
    assert calls["healthCheck"]["active"]["type"] == "GRPC"
    assert "passive" not in calls["healthCheck"]
    assert calls["timeout"]["http"]["requestTimeout"] == "3s"
    assert calls["retry"]["retryOn"] == {"triggers": ["connect-failure", "refused-stream"]}


def test_more_than_an_object_holds_goes_into_several() -> None:
    routes = [f"path: /p{n}, {KEPT}, {LIMITED}, host: h{n}.example" for n in range(70)]
    found = of(exported(*routes), "HTTPRoute")
    proxied = [one for name, one in found.items() if name.startswith("gatepost-proxied")]
    for one in proxied:
        assert len(one["spec"].get("hostnames", [])) <= 16
        assert sum(len(rule["matches"]) for rule in one["spec"]["rules"]) <= 64
    for n in (0, 69):
        where = taken(list(found.values()), f"/p{n}/x", host=f"h{n}.example")
        assert where is not None
        assert where[0].startswith("gatepost-proxied")


def test_each_listener_has_a_section_and_hosts_of_grpc_have_theirs_by_tls() -> None:
    server = settings(text("path: /a")).server
    found = list(sections(server, ["g.example"]))
    assert [(one.name, one.host) for one in found] == [
        ("http-8000", None),
        ("http-80", None),
        ("https-443", None),
        ("https-443-g-example", "g.example"),
    ]
