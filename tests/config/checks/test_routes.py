import pytest

from gateway.config.checks import WARNINGS
from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.plugin.catalog import PluginCatalog
from tests.config.example import problems

TAKEN = "can't be reached: an earlier route has this path and a method of this one (the first is on line 2)"


def routes(*items: str) -> list[str]:
    """The problems of routes, one a line from the second line on, each with an upstream of its own."""
    lines = [f"  - {{upstream: 'http://h', {item}}}" for item in items]
    return [line.partition(": ")[2] for line in problems("\n".join(["routes:", *lines]))]


def test_an_upstream_is_a_name_of_the_file_or_a_url() -> None:
    text = """\
        upstreams: {orders: {servers: [{url: "http://h"}]}, stock: {servers: 5}}
        routes:
          - {path: /a, upstream: orders}
          - {path: /b, upstream: https://h/base}
          - {path: /c, upstream: stock}
          - {path: /d, upstream: order, enabled: false}
          - {path: /e, upstream: zebra}
        """
    assert problems(text) == [
        "1:70: upstreams.stock.servers: must be a list, not a number",
        "6:26: routes[3].upstream: there is no upstream of this name (did you mean orders?)",
        "7:26: routes[4].upstream: there is no upstream of this name",
    ]


def test_upstreams_that_are_no_mapping_are_not_held_against_routes() -> None:
    (found,) = problems("upstreams: [orders]\nroutes: [{path: /, upstream: orders}]")
    assert "upstreams: must be a mapping" in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: /a", "path: /a"),
        ("path: /a, methods: [GET, HEAD]", "path: /a, methods: [POST, GET]"),
        ("path: /a, methods: [GET]", "path: /a"),
        ("path: /a", "path: /a, methods: [GET]"),
        ("path: /a, host: a.org", "path: /a, host: A.org"),
        ("path: /a, match: exact", "path: /a, match: exact"),
        ("path: /ab", "path: /%61b"),
        ("path: /", "path: /"),
    ],
)
def test_a_route_that_another_has_made_useless_is_reported(one: str, other: str) -> None:
    assert routes(one, other) == [f"routes[1]: {TAKEN}"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: /a, methods: [GET]", "path: /a, methods: [POST]"),
        ("path: /a", "path: /a/b"),
        ("path: /a, ambiguous_paths: pass", "path: /A, ambiguous_paths: pass"),
        ("path: /a, methods: [GET]", "path: /A, methods: [POST]"),
        ("path: /a, match: exact", "path: /A"),
        ("path: /a, match: exact", "path: /a"),
        ("path: /a, host: a.org", "path: /a, host: '*.org'"),
        ("path: /a, host: a.org", "path: /a"),
        ("path: /a, enabled: false", "path: /a"),
        ("path: /a", "path: /a, enabled: false"),
    ],
)
def test_routes_that_share_nothing_are_fine(one: str, other: str) -> None:
    assert routes(one, other) == []


@pytest.mark.parametrize("other", ["path: /A", "path: '/a;v=1'", "path: /A, methods: [GET]"])
def test_a_route_that_eager_upstreams_read_as_another_one_is_ambiguous(other: str) -> None:
    first, second = routes("path: /a", other)
    assert first.startswith("routes[0].path: can't be reached: upstreams that ignore case or ; parameters")
    assert second.startswith("routes[1].path: can't be reached: upstreams that ignore case or ; parameters")
    assert len(routes("path: /a, ambiguous_paths: pass", other)) == 1, "the other one is still refused"


@pytest.mark.parametrize("path", ["/Portal/x", "/portal;a/x", "/.Well-Known/oauth-protected-resource"])
def test_a_route_that_eager_upstreams_read_as_an_endpoint_is_ambiguous(path: str) -> None:
    (found,) = routes(f"path: '{path}'")
    assert "read it as an endpoint's" in found
    assert routes(f"path: '{path}', ambiguous_paths: pass") == []
    assert len(routes("path: /Token, match: exact")) == 1


def test_a_route_whose_methods_are_faulty_is_not_held_against_others() -> None:
    assert [
        line.split(":")[0] for line in routes("path: /a, methods: [GET]", "path: /a, methods: [post]")
    ] == ["routes[1].methods[0]"]


@pytest.mark.parametrize(
    "path",
    [
        "/token",
        "/%74oken",
        "/revoke",
        "/introspect",
        "/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/orders",
        "/portal",
        "/portal/apps",
    ],
)
def test_a_route_can_not_have_the_path_of_an_endpoint(path: str) -> None:
    text = "routes[0].path: can't be reached: the gateway answers this path itself"
    assert routes(f"path: '{path}'") == [text]
    assert routes(f"path: '{path}', host: a.org, methods: [GET], enabled: false") == [text]


@pytest.mark.parametrize(
    "path", ["/", "/tokens", "/token/x", "/.well-known", "/portals", "/a/portal", "/Token"]
)
def test_a_path_around_an_endpoint_is_fine(path: str) -> None:
    assert routes(f"path: {path}") == []


def test_an_open_route_can_not_ask_for_scopes() -> None:
    effect = "has no effect: auth is none, so no token is required"
    assert routes("path: /a, auth: none, scopes: [x], audience: 'https://a'") == [
        f"routes[0].scopes: {effect}",
        f"routes[0].audience: {effect}",
    ]


def test_a_canary_leads_to_another_upstream_that_is_there() -> None:
    text = """\
        upstreams: {orders: {servers: [{url: "http://h"}]}, next: {servers: [{url: "http://n"}]}}
        routes:
          - {path: /a, upstream: orders, canary: {upstream: next, percent: 5}}
          - {path: /b, upstream: orders, canary: {upstream: "http://n", percent: 0.5}}
          - {path: /c, upstream: orders, canary: {upstream: order, percent: 5}}
          - {path: /d, upstream: orders, canary: {upstream: orders, percent: 5}}
        """
    assert problems(text) == [
        "5:53: routes[2].canary.upstream: there is no upstream of this name (did you mean orders?)",
        "6:53: routes[3].canary.upstream: has no effect: it is the route's own upstream",
    ]


def test_a_route_that_sets_the_forwarded_prefix_can_not_let_the_clients_pass() -> None:
    (found,) = routes("path: /a, allow_headers: [X-Rewrite-URL, X-Forwarded-Prefix]")
    assert found.startswith("routes[0].allow_headers[1]: can't pass: under strip_prefix")
    assert routes("path: /a, strip_prefix: false, allow_headers: [X-Forwarded-Prefix]") == []


def test_a_template_is_never_stripped() -> None:
    (found,) = routes("path: '/a/{id}', strip_prefix: true")
    assert found.startswith("routes[0].strip_prefix: can't be true: the path has a {name}")
    assert routes("path: '/a/{id}'", "path: '/b/{id}', strip_prefix: false") == []
    assert routes("path: '/a/{id}', allow_headers: [X-Forwarded-Prefix]") == []


@pytest.mark.parametrize("path", ["/portal/{page}", "/.well-known/oauth-protected-resource/{x}"])
def test_a_template_beneath_an_endpoint_can_not_be_reached(path: str) -> None:
    assert routes(f"path: '{path}'") == [
        "routes[0].path: can't be reached: the gateway answers this path itself"
    ]


@pytest.mark.parametrize(
    ("where", "key", "text"),
    [
        ("{}", "where", "must have headers or query: it has no condition"),
        ("{headers: {}}", "where", "must have headers or query: it has no condition"),
        ("{headers: {Host: a}}", "where.headers.Host", "the route's key host is for that"),
        ("{headers: {Authorization: a}}", "where.headers.Authorization", "it is a credential"),
        ("{headers: {Connection: a}}", "where.headers.Connection", "belongs to one connection"),
        ("{headers: {X-A: 2}}", "where.headers.X-A", "must be a string, not a number: write it in quotes"),
        ('{headers: {X-A: "a\\nb"}}', "where.headers.X-A", "printable ASCII"),
        ("{headers: {X-A: a, x-a: b}}", "where.headers", "twice"),
        ("{headers: {'X A': a}}", 'where.headers["X A"]', "must be the name of a header"),
        ("{query: {a: 1}}", "where.query.a", "must be a string, not a number: write it in quotes"),
        ("{header: {a: b}}", "where.header", "did you mean headers?"),
    ],
)
def test_a_condition_must_be_one(where: str, key: str, text: str) -> None:
    (found,) = routes(f"path: /a, where: {where}")
    assert found.startswith(f"routes[0].{key}: ")
    assert text in found


def test_places_of_a_token_mean_nothing_on_an_open_route() -> None:
    (found,) = routes("path: /a, auth: none, token_from: [header, 'cookie:t']")
    assert found.startswith("routes[0].token_from: has no effect")
    assert routes("path: /a, auth: none") == []


@pytest.mark.parametrize("places", ["[]", "[query]", "['cookie:']", "['cookie:a b']", "[header, header]"])
def test_places_of_a_token_must_be_known(places: str) -> None:
    assert routes(f"path: /a, token_from: {places}")


def test_tools_are_judged_by_tokens_in_messages_that_are_posted() -> None:
    judged = "mcp: {tools: {a: [b]}}"
    assert routes(f"path: /a, auth: none, {judged}", f"path: /b, methods: [GET, DELETE], {judged}") == [
        "routes[0].mcp: needs tokens, whose scopes it judges: auth is none",
        "routes[1].mcp: has no effect: messages come with POST, which is not among the methods",
    ]
    assert routes(f"path: /a, methods: [POST], {judged}") == []


@pytest.mark.parametrize(
    "wrong",
    [
        "tools: {'': [a]}",
        "tools: {' a': [a]}",
        'tools: {"a\\u200b": [a]}',
        "tools: {a: ['two words']}",
        "tools: [a]",
        "default: read",
        "limits: {a: 10}",
        "tool: {a: [b]}",
    ],
)
def test_tools_have_names_and_scopes(wrong: str) -> None:
    (found,) = routes(f"path: /a, mcp: {{{wrong}}}")
    assert found.startswith("routes[0].mcp.")


def test_other_methods_of_an_mcp_servers_path_are_warned_of() -> None:
    route = "  - {path: /mcp, upstream: 'http://h', %s}\n"
    text = "routes:\n" + route % "methods: [POST], mcp: {tools: {a: [b]}}" + route % "methods: [GET, DELETE]"
    with pytest.raises(ConfigurationError) as caught:
        load_text(text, {}, PluginCatalog(), further=WARNINGS)
    (found,) = caught.value.problems
    assert (found.key, found.line) == ("routes[1]", 3)
    assert "has no mcp" in found.text
