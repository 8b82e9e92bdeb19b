"""What was checked is what any upstream sees: paths that upstreams read in different ways."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.http.problems import Problem
from gateway.proxy.explain import example_head, explain
from gateway.proxy.route_table import RouteTable
from tests.proxy.routing import request, route

TABLE = RouteTable(
    [
        route("/", upstream_name="root"),
        route("/open", upstream_name="open", protected=False),
        route("/open/admin", upstream_name="admin", scopes=frozenset({"admin"})),
        route("/only", exact=True, upstream_name="only"),
        route("/write", methods=("POST",), upstream_name="write"),
        route("/raw", upstream_name="raw", pass_ambiguous_paths=True),
    ]
)


def found(path: str, method: str = "GET", table: RouteTable = TABLE) -> str:
    return table.match(request(path, method)).upstream_name


def refused(path: str, method: str = "GET", table: RouteTable = TABLE) -> str:
    with pytest.raises(Problem) as caught:
        found(path, method, table)
    assert caught.value.kind.status == 400
    return caught.value.detail


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/open/admin;a=b/x", "; parameters cut off"),
        ("/open/admin%3Ba=b/x", "; parameters cut off"),
        ("/open/Admin/x", "case ignored"),
        ("/open//admin", "empty segments merged"),
        ("/open%2Fadmin", "encoded slashes decoded"),
        ("/open;%2Fadmin", "encoded slashes decoded and ; parameters cut off"),
        ("/Only", "case ignored"),
        ("//open/x", "empty segments merged"),
    ],
)
def test_a_path_that_leads_elsewhere_in_the_eager_reading_is_refused(path: str, words: str) -> None:
    assert refused(path) == f"The path is ambiguous: read with {words}, it leads to another route."


def test_a_target_that_would_begin_with_a_host_is_read_without_it() -> None:
    """Node's `new URL("//x/admin", base)` has the path /admin."""
    table = RouteTable(
        [
            route("/", upstream_name="root", protected=False),
            route("/admin"),
            route("/shop", strip=1, upstream_name="shop", protected=False),
            route("/shop/admin", strip=1),
            route("/based", strip=1, upstream_name="based", base_path=b"/v1"),
            route("/based/admin", strip=1, base_path=b"/v1"),
        ]
    )
    for path in ("//x/admin", "///x/admin", "//x/ADMIN", "/shop//x/admin"):
        assert refused(path, table=table).endswith("leads to another route."), path
    assert "taken for a host" in refused("/shop//x/admin", table=table)
    assert found("//x/other", table=table) == "root"
    assert found("/shop//7", table=table) == "shop"
    assert found("/based//x/admin", table=table) == "based", "what goes upstream begins with /v1"


@pytest.mark.parametrize("path", ["/open/a%2F..%2Fb", "/open/a%2F.", "/open/..%2Fx", "/open/a;%2F..;%2Fb"])
def test_a_dot_segment_of_the_eager_reading_is_refused(path: str) -> None:
    assert refused(path).endswith("it has a dot segment.")


@pytest.mark.parametrize(
    "path",
    [
        "/open/a%2Fb",
        "/open/aGVsbG8=",
        "/open/https://example.org/x",
        "/open/https%3A%2F%2Fexample.org%2Fx",
        "/open/x;v=1",
        "/open/a%252Fb",
        "/open/caf%C3%A9",
        "/open//",
        "/open/a[1]|b^",
    ],
)
def test_a_path_that_leads_to_the_same_route_in_both_readings_passes(path: str) -> None:
    assert found(path) == "open"


def test_a_route_in_capitals_is_found_as_it_is_written() -> None:
    table = RouteTable([route("/Orders")])
    assert found("/Orders/7A", table=table) == "orders"
    assert "case ignored" in refused("/ORDERS", table=table)


def test_no_route_as_it_stands_but_one_to_an_eager_reader_is_refused() -> None:
    table = RouteTable([route("/orders")])
    assert "case ignored" in refused("/ORDERS", table=table)
    with pytest.raises(Problem) as caught:
        found("/OTHER", table=table)
    assert caught.value.kind.status == 404, "no route in either reading"


def test_the_route_is_that_of_the_method() -> None:
    """POST /Write leads to / as it stands and to /write in the eager reading; GET would be 405 there."""
    assert "another route" in refused("/Write", "POST")
    assert "another route" in refused("/Write", "GET")
    with pytest.raises(Problem) as caught:
        found("/write/A", "GET")
    assert caught.value.kind.status == 405, "the same in both readings"


def test_methods_of_routes_that_differ_only_in_case_do_not_disturb_each_other() -> None:
    table = RouteTable([route("/a", methods=("GET",)), route("/A", methods=("POST",), upstream_name="other")])
    assert (found("/a", "GET", table), found("/A", "POST", table)) == ("orders", "other")


def test_a_plain_path_is_refused_where_a_route_in_capitals_would_take_it_from_an_eager_upstream() -> None:
    """An upstream that ignores case reads /admin as its /Admin."""
    table = RouteTable([route("/", protected=False, upstream_name="open"), route("/Admin")])
    assert refused("/admin", table=table).endswith("read with case ignored, it leads to another route.")
    assert found("/other", table=table) == "open"
    assert found("/Admin", table=table) == "orders"


@pytest.mark.parametrize("path", ["/Token", "/token;x", "//token", "/portal;x/", "/%2Fjwks", "/PORTAL/x"])
def test_the_gateways_own_endpoints_count_as_routes(path: str) -> None:
    assert "another route" in refused(path)


def test_an_endpoint_is_never_proxied() -> None:
    for path in ("/token", "/%74oken", "/portal/A"):
        with pytest.raises(Problem) as caught:
            found(path)
        assert caught.value.kind.status == 404
        assert TABLE.is_endpoint(request(path))


@pytest.mark.parametrize("path", ["/raw/..%2Fopen", "/raw//x", "/raw/A", "/raw/;x"])
def test_a_route_may_take_ambiguous_paths_that_lead_to_it_as_they_stand(path: str) -> None:
    assert found(path) == "raw"
    refused("/RAW/x")
    refused("/raw/..;/open")


def test_explain_says_which_reading_differs() -> None:
    with pytest.raises(Problem, match="; parameters cut off"):
        explain(example_head("GET", "/open/admin;a=b"), TABLE, {})
    text = explained("/raw/x%2F..")
    assert "ambiguous     read with encoded slashes decoded, it has a dot segment; it passes" in text
    assert "ambiguous" not in explained("/raw/x")


def explained(path: str) -> str:
    explanation = explain(example_head("GET", path), TABLE, {"raw": "http://r"})
    assert explanation is not None
    return "\n".join(explanation.lines)


# How servers read a path, each in a few lines of its own: nothing here is shared with the gateway.


def tomcat(path: str) -> str:
    """Cuts parameters, then decodes (with encodedSolidusHandling=decode), then merges slashes."""
    return re.sub("//+", "/", unquote(re.sub(";[^/]*", "", path), errors="surrogateescape"))


def express(path: str) -> str:
    """Matches the raw path without regard to case; parameters are decoded one by one."""
    return "/".join(unquote(part, errors="surrogateescape") for part in path.split("/")).casefold()


def aspnet(path: str) -> str:
    """Decodes all but %2F, and ignores case."""
    kept = re.sub("%2f", "%252F", path, flags=re.IGNORECASE)
    return unquote(kept, errors="surrogateescape").casefold()


def nginx(path: str) -> str:
    """Decodes everything, then merges slashes."""
    return re.sub("//+", "/", unquote(path, errors="surrogateescape"))


def node(path: str) -> str:
    """`new URL(path, base).pathname`, decoded: what follows two slashes is a host."""
    return unquote(re.sub("^//+[^/]*", "", path) or "/", errors="surrogateescape")


def jetty_on_windows(path: str) -> str:
    """Everything at once, and decodes before it cuts."""
    return re.sub("//+", "/", re.sub(";[^/]*", "", unquote(path, errors="surrogateescape"))).casefold()


READERS: dict[str, tuple[Callable[[str], str], bool]] = {
    "tomcat": (tomcat, False),
    "express": (express, True),
    "aspnet": (aspnet, True),
    "nginx": (nginx, False),
    "node": (node, False),
    "jetty_on_windows": (jetty_on_windows, True),
}
"""Each with whether it ignores case, in its own routes as well."""

PATHS = ["/", "/open", "/open/admin", "/only", "/Upper", "/a/b", "/token"]
EXACT = {"/only", "/a/b", "/token"}
MODEL = RouteTable(
    [route(path, exact=path in EXACT, upstream_name=path) for path in PATHS if path != "/token"]
)


def led_to(read: str, *, fold: bool) -> str | None:
    """The route of `PATHS` that a path leads to which was read like this."""
    best = None
    for path in PATHS:
        own = path.casefold() if fold else path
        matches = read == own if path in EXACT else path == "/" or (read + "/").startswith(own + "/")
        if matches and (best is None or len(path) > len(best)):
            best = path
    return best


PIECES = [
    "/", "//", "open", "OPEN", "admin", "Admin", "only", "Upper", "upper", "a", "b", "token", ";",
    ";x=1", "%2F", "%2f", "%3B", "%2e", "..", ".", "%61", "%252F", "%25", "x", "%C3%A9", "%ff", "[",
    "^",
]  # fmt: skip


MANY = int(os.environ.get("GATEPOST_PATHS", "1000"))
"""Paths put together by chance. 20000 is the long edition."""


@settings(max_examples=MANY, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9))
def test_whatever_passes_leads_to_the_same_route_whoever_reads_it(pieces: list[str]) -> None:
    path = "/" + "".join(pieces)
    try:
        taken = found(path, table=MODEL)
    except Problem:
        return
    for name, (reader, fold) in READERS.items():
        read = reader(path)
        assert not {".", ".."} & set(read.split("/")), (name, read)
        assert led_to(read, fold=fold) == taken, (name, path, read)


TEMPLATES = ["/a/{x}/b", "/{any}/only", "/open", "/open/{x}", "/open/admin", "/{x}/Upper", "/token"]
WITH_TEMPLATES = RouteTable(
    [route(path, exact=path in EXACT, upstream_name=path) for path in TEMPLATES if path != "/token"]
)


def led_to_template(read: str, *, fold: bool) -> str | None:
    """The route of `TEMPLATES` that a path leads to: the first segment from the left that differs decides."""
    best: tuple[tuple[int, ...], str] | None = None
    segments = read[1:].split("/")
    for path in TEMPLATES:
        own = (path.casefold() if fold else path)[1:].split("/")
        ranks = tuple(
            0 if part.startswith("{") and segment else 1 if part == segment else -1
            for part, segment in zip(own, segments, strict=False)
        )
        if len(own) > len(segments) or -1 in ranks or (path in EXACT and len(own) != len(segments)):
            continue
        if best is None or ranks > best[0]:
            best = (ranks, path)
    return None if best is None else best[1]


@settings(max_examples=MANY, deadline=None)
@example(["admin", "%2F", "/", "only"])
@example(["open", "//", "%3B"])
@example(["open", "/", "%2F", "open"])
@given(st.lists(st.sampled_from(PIECES), max_size=9))
def test_what_passes_leads_to_the_same_template_whoever_reads_it(pieces: list[str]) -> None:
    path = "/" + "".join(pieces)
    try:
        taken = found(path, table=WITH_TEMPLATES)
    except Problem:
        return
    for name, (reader, fold) in READERS.items():
        read = reader(path)
        assert not {".", ".."} & set(read.split("/")), (name, read)
        led = led_to_template(read, fold=fold)
        # No template takes an empty segment, as in /admin//only or /open//open: who does not merge them finds
        # nothing there, or the prefix before it where the merged path leads to what is below that prefix.
        merged = led_to_template(re.sub("//+", "/", read), fold=fold)
        above = led is not None and taken is not None and taken.startswith(f"{led}/") and merged == taken
        assert led == taken or ("//" in read and (led is None or above)), (name, path, read)
