"""What comes of gateway.yaml as a configuration of Envoy."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config.differences import route_id
from gateway.config.resilience import BreakerConfig, HealthConfig
from gateway.config.upstreams import UpstreamConfig
from gateway.export.envoy import EnvoyExport, EnvoyOptions, export_envoy
from gateway.export.envoy_clusters import cluster, duration, gateway_cluster, what_clusters_lack
from gateway.export.envoy_listeners import REMOVED
from gateway.export.envoy_lua import places
from gateway.export.envoy_routes import ROUTE_ID, exported_route
from gateway.http.endpoints import GatewayPaths
from tests.config.example import settings

OWN = (*GatewayPaths().exact, *GatewayPaths().prefixes)
FILE = """
server: {listen: [{host: 127.0.0.1, port: 8000}, {port: 80, redirect: https}, {port: 443, tls: auto}]}
upstreams: {orders: {servers: [{url: "http://h:9001/base"}]}}
plugins: [{use: request_id}]
routes:
"""


GATEWAYS = ("http://127.0.0.1:8280",)


def exported(*routes: str, **options: bool) -> EnvoyExport:
    lines = [f"  - {{upstream: orders, {route}}}" for route in routes]
    return export_envoy(settings(FILE + "\n".join(lines)), EnvoyOptions(GATEWAYS, **options))


def manager(found: EnvoyExport, listener: int = 0) -> dict[str, Any]:
    chain = found.bootstrap["static_resources"]["listeners"][listener]["filter_chains"][0]
    config: dict[str, Any] = chain["filters"][0]["typed_config"]
    return config


def table(found: EnvoyExport, listener: int = 0) -> list[dict[str, Any]]:
    routes: list[dict[str, Any]] = manager(found, listener)["route_config"]["virtual_hosts"][0]["routes"]
    return routes


def by_id(found: EnvoyExport) -> list[dict[str, Any]]:
    return [one for one in table(found) if "headers" in one["match"]]


def test_durations_are_as_protobuf_writes_them() -> None:
    assert [duration(value) for value in (1.0, 0.25, 90, 0.0)] == ["1s", "0.25s", "90s", "0s"]


def test_a_route_is_known_by_the_id_that_the_gateway_answers_with() -> None:
    text = FILE + "  - {upstream: orders, path: /a, strip_prefix: false}"
    found = export_envoy(settings(text), EnvoyOptions(GATEWAYS))
    (one,) = by_id(found)
    (route,) = settings(text).routes
    assert one["match"]["headers"] == [{"name": ROUTE_ID, "string_match": {"exact": route_id(route)}}]
    assert one["route"]["cluster"] == "orders"
    assert ROUTE_ID in REMOVED
    assert ROUTE_ID in one["request_headers_to_remove"]


def test_under_strip_prefix_segments_are_cut_off_however_they_are_spelt() -> None:
    whole, below = by_id(exported("path: /a/b, rewrite_answers: false"))
    assert whole["match"]["safe_regex"]["regex"] == "(?:/[^/]*){2}"
    assert whole["route"]["regex_rewrite"] == {"pattern": {"regex": "^.*$"}, "substitution": "/base/"}
    assert below["route"]["regex_rewrite"]["substitution"] == "/base\\1"
    assert {"key": "X-Forwarded-Prefix", "value": "/a/b"} in [
        one["header"] for one in below["request_headers_to_add"]
    ]


def test_credentials_stay_at_the_edge_unless_the_route_forwards_them() -> None:
    kept = "path: /a, strip_prefix: false"
    for more, removed in (("", True), (", forward_token: true", False), (", auth: none", False)):
        (one,) = by_id(exported(kept + more))
        assert ("authorization" in one["request_headers_to_remove"]) is removed


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        ("path: /a", "rewrite_answers under strip_prefix"),
        ("path: /a, strip_prefix: false, plugins: [{use: limit, with: {limit: 1}}]", "the plugin limit"),
        ("path: /a, strip_prefix: false, end_with_token: true", "end_with_token"),
        ("path: /a, strip_prefix: false, token_from: ['cookie:a']", "token_from"),
        ("path: /a, strip_prefix: false, mirror: {upstream: 'http://m'}", "mirror"),
        ("path: /a, strip_prefix: false, canary: {upstream: 'http://m', percent: 1}", "canary"),
        ("path: /a, strip_prefix: false, allow_headers: [X-Rewrite-URL]", "allow_headers"),
        ("path: /a, strip_prefix: false, mcp: {tools: {a: [b]}}", "mcp"),
    ],
)
def test_what_envoy_can_not_do_is_said_and_done_by_the_gateway(route: str, reason: str) -> None:
    found = exported(route)
    assert f"route /a: proxied by the gateway: {reason}" in found.notes
    assert [one["route"]["cluster"] for one in by_id(found)] == ["gatepost"]
    (first,) = [one for one in table(found) if one["match"] == {"path_separated_prefix": "/a"}]
    assert first["route"]["cluster"] == "gatepost"
    assert "typed_per_filter_config" in first, "it is not asked about twice"
    assert len(found.bootstrap["static_resources"]["clusters"]) == 1


def test_longer_paths_go_first_and_the_gateway_takes_all_of_a_path_that_it_has_a_part_in() -> None:
    found = exported(
        "path: /, strip_prefix: false, plugins: [{use: limit, with: {limit: 1}}]",
        "path: /a, strip_prefix: false, methods: [GET]",
        "path: /a, strip_prefix: false, methods: [PUT], plugins: [{use: limit, with: {limit: 1}}]",
        "path: /b, strip_prefix: false",
        "path: /b/c, strip_prefix: false, end_with_token: true",
    )
    first = [one for one in table(found) if "headers" not in one["match"]]
    asked = [(next(iter(one["match"].values())), "typed_per_filter_config" not in one) for one in first]
    assert asked[-5:] == [("/b/c", False), ("/a", False), ("/b", True), ("/", False), ("/", True)]


def test_nobody_asks_through_envoy_and_the_gateways_endpoints_are_reached() -> None:
    found = exported("path: /, strip_prefix: false")
    places = {
        str(next(iter(one["match"].values()))): one for one in table(found) if "headers" not in one["match"]
    }
    assert places["/auth/verify"]["direct_response"] == {"status": 404}
    for path in ("/token", "/revoke", "/jwks", "/portal", "/.well-known/oauth-protected-resource"):
        assert places[path]["route"]["cluster"] == "gatepost"
        assert "typed_per_filter_config" in places[path]


def test_a_route_without_an_upstream_is_left_out() -> None:
    text = FILE + "  - {path: /a, verify_only: true}"
    found = export_envoy(settings(text), EnvoyOptions(GATEWAYS))
    assert "route /a: left out: verify_only, and no upstream to send it to" in found.notes
    assert by_id(found)[0]["direct_response"] == {"status": 404}


def test_headers_that_routes_go_by_are_shown_to_the_gateway() -> None:
    found = exported("path: /a, strip_prefix: false, where: {headers: {X-Version: '2'}}")
    shown = manager(found)["http_filters"][0]["typed_config"]["allowed_headers"]["patterns"]
    assert {"exact": "x-version"} in shown


def test_a_redirecting_listener_redirects_and_one_with_tls_has_its_certificate() -> None:
    found = exported("path: /a, strip_prefix: false")
    assert [one["redirect"]["response_code"] for one in table(found, 1)] == [
        "MOVED_PERMANENTLY",
        "PERMANENT_REDIRECT",
    ]
    listener = found.bootstrap["static_resources"]["listeners"][2]
    tls = listener["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]
    assert tls["tls_certificates"][0]["certificate_chain"]["filename"].endswith(".gatepost/certificate.pem")


def upstream(**changes: Any) -> UpstreamConfig:
    return UpstreamConfig.model_validate({"servers": [{"url": "http://h"}], **changes})


@pytest.mark.parametrize(
    ("changes", "lack"),
    [
        ({"servers": [{"url": "srv+http://_http._tcp.a.example"}]}, ["servers from SRV records"]),
        (
            {"servers": [{"url": "http://a"}, {"url": "https://b"}]},
            ["servers with and without TLS in one upstream"],
        ),
        ({"balance": "hash"}, ["balance: hash"]),
        ({"sticky": {"cookie": "a"}}, ["sticky sessions"]),
        (
            {"servers": [{"url": "https://a"}, {"url": "https://b"}]},
            ["servers with TLS of more than one name, and no tls.server_name"],
        ),
        (
            {"servers": [{"url": "https://a"}, {"url": "https://b"}], "tls": {"server_name": "c"}},
            [],
        ),
        ({"auth": {"header": {"name": "X-Key", "value": "v"}}}, ["the gateway's own credentials (auth)"]),
        ({}, []),
    ],
)
def test_what_a_cluster_can_not_have_is_said(changes: dict[str, Any], lack: list[str]) -> None:
    assert list(what_clusters_lack(upstream(**changes))) == lack


def test_health_breaker_and_limits_of_an_upstream_are_those_of_its_cluster() -> None:
    health = HealthConfig(path="/up", port=81, unhealthy_after=3).model_dump()
    health["expect"] = {"status": (204,), "body": "ok"}
    breaker = BreakerConfig(failures=7, open_for=4.0).model_dump()
    found = cluster("o", upstream(health=health, breaker=breaker, max_connections=9))
    (check,) = found["health_checks"]
    assert (check["unhealthy_threshold"], check["http_health_check"]["path"]) == (3, "/up")
    assert check["http_health_check"]["expected_statuses"] == [{"start": 204, "end": 205}]
    assert check["http_health_check"]["receive"] == [{"text": "6f6b"}]
    assert found["outlier_detection"]["consecutive_local_origin_failure"] == 7
    assert found["outlier_detection"]["base_ejection_time"] == "4s"
    assert found["circuit_breakers"]["thresholds"][0]["max_connections"] == 9
    endpoint = found["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    assert endpoint["health_check_config"] == {"port_value": 81}


def test_servers_with_tls_are_verified_by_their_name() -> None:
    found = cluster("o", upstream(servers=[{"url": "https://h.example"}]))
    config = found["transport_socket"]["typed_config"]
    names = config["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
    assert (config["sni"], names[0]) == ("h.example", {"san_type": "DNS", "matcher": {"exact": "h.example"}})
    by_address = cluster("o", upstream(servers=[{"url": "https://10.0.0.1"}]))["transport_socket"][
        "typed_config"
    ]
    names = by_address["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
    assert ("sni" in by_address, names[0]["san_type"]) == (False, "IP_ADDRESS")
    found = cluster("o", upstream(servers=[{"url": "https://h"}], tls={"verify": False}))
    assert "validation_context" not in found["transport_socket"]["typed_config"]["common_tls_context"]
    address = gateway_cluster("g", ["http://10.0.0.1"])["load_assignment"]["endpoints"][0]["lb_endpoints"][0]
    assert address["endpoint"]["address"]["socket_address"] == {"address": "10.0.0.1", "port_value": 80}


def test_several_gateways_are_asked_in_turn_and_by_tls_where_they_have_it() -> None:
    found = gateway_cluster("g", ["https://a.example", "https://b.example:8443"])
    endpoints = found["load_assignment"]["endpoints"][0]["lb_endpoints"]
    ports = [one["endpoint"]["address"]["socket_address"]["port_value"] for one in endpoints]
    assert (ports, found["transport_socket"]["typed_config"]["sni"]) == ([443, 8443], "a.example")


def test_http_3_is_served_on_the_port_of_tls_and_announced() -> None:
    listeners = exported("path: /a", http3=True).bootstrap["static_resources"]["listeners"]
    assert [one["name"] for one in listeners] == [
        "tcp:127.0.0.1:8000",
        "tcp:0.0.0.0:80",
        "tcp:0.0.0.0:443",
        "udp:0.0.0.0:443",
    ]
    hosts = [
        manager(exported("path: /a", http3=True), n)["route_config"]["virtual_hosts"][0] for n in range(4)
    ]
    assert ["response_headers_to_add" in host for host in hosts] == [False, False, True, True]


@pytest.mark.parametrize(
    ("routes", "known"),
    [
        (("path: /a", "path: /A/B"), {"/a": True, "/a/b": True}),
        (("path: /", "path: /a"), {"/": True, "/a": True}),
        # Where it has no method or host of its own, a request could go to the route above.
        (("path: '/a/{b}'", "path: /a/b", "path: /c"), {"/a": False, "/a/b": False, "/c": True}),
        (("path: /a, match: exact", "path: /a/b"), {"/a": False, "/a/b": False}),
        (("path: /a, where: {query: {b: '1'}}", "path: /ab"), {"/a": False, "/ab": True}),
        (("path: /a, end_with_token: true", "path: /b"), {"/a": False, "/b": True}),
        (("path: /a, plugins: [{use: limit, with: {limit: 1}}]",), {"/a": False}),
        (("path: /caf%C3%A9", "path: /b"), {}),
    ],
)
def test_lua_puts_together_what_the_gateway_judges_alike(
    routes: tuple[str, ...], known: dict[str, bool]
) -> None:
    text = FILE + "\n".join(f"  - {{upstream: orders, strip_prefix: false, {route}}}" for route in routes)
    found = settings(text)
    upstreams = {"orders": upstream()}
    made = [exported_route(route, upstreams, found.plugins) for route in found.routes]
    all_places = places(made, found.plugins, found.paths)
    assert {path: kept for path, kept in all_places.items() if path not in OWN} == known
    assert not any(all_places.get(path) for path in OWN)


def test_lua_says_of_which_routes_each_request_is_asked_about() -> None:
    kept = "strip_prefix: false, upstream: orders"
    text = f"{FILE}  - {{path: '/a/{{b}}', {kept}}}\n  - {{path: /a/b, {kept}}}\n  - {{path: /c, {kept}}}"
    notes = export_envoy(settings(text), EnvoyOptions(GATEWAYS, lua=True)).notes
    assert [note for note in notes if "asked about" in note] == [
        "route /a/{b}: asked about each request: a path with {name}",
        "route /a/b: asked about each request: a route above it is",
    ]


def test_lua_stands_before_ext_authz_which_asks_unless_lua_knows() -> None:
    lua, authz, _ = manager(exported("path: /a, rewrite_answers: false", lua=True))["http_filters"]
    script = lua["typed_config"]["default_source_code"]["inline_string"]
    assert '["/a"] = true' in script
    assert "@" not in script
    assert authz["typed_config"]["filter_enabled_metadata"]["invert"] is True
