import pytest

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
def test_a_route_that_another_has_made_useless_is_told(one: str, other: str) -> None:
    assert routes(one, other) == [f"routes[1]: {TAKEN}"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("path: /a, methods: [GET]", "path: /a, methods: [POST]"),
        ("path: /a", "path: /a/b"),
        ("path: /a", "path: /A"),
        ("path: /a, match: exact", "path: /a"),
        ("path: /a, host: a.org", "path: /a, host: '*.org'"),
        ("path: /a, host: a.org", "path: /a"),
        ("path: /a, enabled: false", "path: /a"),
        ("path: /a", "path: /a, enabled: false"),
    ],
)
def test_routes_that_share_nothing_are_fine(one: str, other: str) -> None:
    assert routes(one, other) == []


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
    effect = "has no effect, since auth is none: nobody needs a token"
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
