"""The routes of the file, as the proxy gets them."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from gateway.accounts.static_clients import StaticClients
from gateway.assembly.plugins import PluginSet, plugin_context
from gateway.assembly.routes import accepted_issuers, base_path, origin, resource_path, route_table
from gateway.assembly.upstreams import make_upstreams
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.http.exchange import RequestHead
from gateway.http.problems import Problem
from gateway.http.route import Route
from gateway.oauth.model import OWN_ONLY
from gateway.plugin.catalog import PluginCatalog
from gateway.proxy.explain import example_head
from gateway.proxy.route_table import RouteTable
from tests.services import Clock

FILE = """\
server: {public_url: "https://gate.example:8243"}
issuers: {corp: {issuer: "https://id.example.org", audiences: [a]}}
upstreams: {orders: {servers: [{url: "http://127.0.0.1:9001/v1/"}]}}
plugins: [{use: request_id}]
routes:
"""


def settings(*routes: str) -> Settings:
    return load_text(FILE + "".join(f"  - {{{route}}}\n" for route in routes), {}, PluginCatalog())


def table(*routes: str) -> RouteTable:
    loaded = settings(*routes)
    plugin_set = PluginSet(PluginCatalog(), plugin_context(loaded, StaticClients([]), Clock()))
    return route_table(loaded, make_upstreams(loaded), plugin_set)


def head(method: str, url: str) -> RequestHead:
    return example_head(method, url)


def only(route: str, url: str) -> Route:
    return table(route).match(head("GET", url))


def test_everything_that_the_file_says_is_carried_over() -> None:
    found = only(
        "path: /a/b, match: exact, methods: [GET], upstream: orders, scopes: [one, two], "
        "forward_token: true, audience: 'https://a.example', end_with_token: true, issuers: [corp]",
        "/a/b",
    )
    assert (found.path, found.segments, found.exact) == ("/a/b", ("a", "b"), True)
    assert (found.methods, found.upstream_name) == (("GET",), "orders")
    assert (found.scopes, found.scope_text) == (frozenset({"one", "two"}), "one two")
    assert (found.audience, found.protected) == ("https://a.example", True)
    assert (found.forward_token, found.end_with_token) == (True, True)
    assert found.issuers == OWN_ONLY | {"corp"}


def test_a_prefix_is_stripped_unless_the_route_says_otherwise() -> None:
    assert only("path: /a/b, upstream: orders", "/a/b/c").strip == 2
    assert only("path: /a/b, upstream: orders, strip_prefix: false", "/a/b/c").strip == 0


def test_a_stripped_prefix_is_told_to_the_upstream() -> None:
    assert only("path: /caf%C3%A9, upstream: orders", "/caf%C3%A9/c").forwarded_prefix == b"/caf%C3%A9"
    assert only("path: /a, upstream: orders, strip_prefix: false", "/a").forwarded_prefix is None
    assert only("path: /, upstream: orders", "/a").forwarded_prefix is None


@pytest.mark.parametrize(
    ("keys", "passes"),
    [
        ("auth: none", True),
        ("auth: none, forward_token: false", False),
        ("auth: bearer", False),
        ("forward_token: true", True),
    ],
)
def test_the_clients_authorization_passes_by_default_where_the_gateway_does_not_use_it(
    keys: str, passes: bool
) -> None:
    assert only(f"path: /a, upstream: orders, {keys}", "/a").forward_token is passes


def test_an_open_route_is_not_protected() -> None:
    assert not only("path: /a, upstream: orders, auth: none", "/a").protected


def test_routes_that_are_switched_off_are_not_there() -> None:
    with pytest.raises(Problem) as fault:
        only("path: /a, upstream: orders, enabled: false", "/a")
    assert fault.value.kind.status == 404


def test_plugins_of_every_route_come_before_its_own() -> None:
    own = "plugins: [{use: headers, with: {request: {set: {X-A: b}}}}, {use: request_id}]"
    found = only(f"path: /a, upstream: orders, {own}", "/a")
    names = [type(hook.__self__).__name__ for hook in found.pipeline.on_request]
    assert names == ["RequestId", "RequestId"]
    assert [type(hook.__self__).__name__ for hook in found.pipeline.hooks("on_forward")] == ["HeaderRules"]


def test_the_same_use_at_two_routes_has_two_places() -> None:
    found = table(
        "path: /a, upstream: orders, plugins: [{use: trace}]",
        "path: /a, upstream: orders, host: h.example, plugins: [{use: trace}]",
        "path: /b, upstream: orders, plugins: [{use: trace}]",
    )
    urls = ("/a", "https://h.example/a", "/b")
    places: list[Any] = [
        {hook.__self__.context.place for hook in found.match(head("GET", url)).pipeline.on_forward}
        for url in urls
    ]
    assert len(set().union(*places)) == 3


def test_the_upstreams_own_path_goes_before_each_request() -> None:
    upstreams = make_upstreams(settings("path: /a, upstream: 'http://127.0.0.1:9002'"))
    assert base_path(upstreams["orders"]) == b"/v1"
    assert base_path(upstreams["http://127.0.0.1:9002"]) == b""


def test_the_metadata_stands_between_host_and_path() -> None:
    """RFC 9728 section 3.1."""
    found = only("path: /a/b, upstream: orders", "/a/b")
    assert found.metadata_url == "https://gate.example:8243/.well-known/oauth-protected-resource/a/b"
    found = only("path: /, upstream: orders", "/x")
    assert found.metadata_url == "https://gate.example:8243/.well-known/oauth-protected-resource"


@pytest.mark.parametrize(("path", "expected"), [("/", ""), ("/a b", "/a%20b"), ("/a%20b", "/a%20b")])
def test_a_path_is_written_as_in_a_url(path: str, expected: str) -> None:
    assert resource_path(path) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (None, "https://gate.example:8243"),
        ("api.example.org", "https://api.example.org:8243"),
        ("*.example.org", "https://*:8243"),
    ],
)
def test_callers_of_a_route_with_a_host_think_that_they_are_there(host: str | None, expected: str) -> None:
    assert origin("https://gate.example:8243", host) == expected


def test_whose_tokens_a_route_takes() -> None:
    def accepted(text: str) -> frozenset[str]:
        return accepted_issuers(settings(f"path: /a, upstream: orders{text}").routes[0])

    assert accepted("") is OWN_ONLY
    assert accepted(", issuers: [corp]") == {"", "corp"}
    assert accepted(", issuers: [corp], own_tokens: false") == {"corp"}


def test_ten_thousand_routes_are_few_objects_for_the_garbage_collector() -> None:
    routes = [f"path: /service{number}/v1, upstream: orders, scopes: [orders.read]" for number in range(300)]
    loaded = settings(*routes)
    plugin_set = PluginSet(PluginCatalog(), plugin_context(loaded, StaticClients([]), Clock()))
    upstreams = make_upstreams(loaded)
    gc.collect()
    before = len(gc.get_objects())
    found = route_table(loaded, upstreams, plugin_set)
    gc.collect()
    assert (len(gc.get_objects()) - before) / len(routes) < 10
    first, second = (found.match(head("GET", f"/service{number}/v1")) for number in (1, 2))
    assert first.pipeline is second.pipeline
    assert first.scopes is second.scopes


def test_routes_with_plugins_of_their_own_have_hooks_of_their_own() -> None:
    own = "plugins: [{use: headers, with: {response: {set: {X-A: b}}}}]"
    found = table(f"path: /a, upstream: orders, {own}", "path: /b, upstream: orders")
    hooks = [found.match(head("GET", path)).pipeline.hooks("on_response") for path in ("/a", "/b")]
    assert [len(each) for each in hooks] == [len(hooks[1]) + 1, len(hooks[1])]
