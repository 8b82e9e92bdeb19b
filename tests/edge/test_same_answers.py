"""Proxied requests without the edge, and through it by HTTP/1.1, 2 and 3: same answers, same bytes upstream.

`GATEPOST_EDGE_CASES=2000` is the long edition: so many further requests, put together by chance;
`GATEPOST_EDGE_SEED` chooses others. What differs, and why, is in `DIFFERENCES` and in the page of the edge.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.conftest import Valkey
from tests.e2e.conftest import token
from tests.edge.conftest import EDGE, ROUTES, EdgeStage, edge_configuration
from tests.edge.doors import DOORS, OWN, Case, Doors, doors
from tests.raw import answer, raw_upstream
from tests.running import Running

MANY = int(os.environ.get("GATEPOST_EDGE_CASES", "0"))
SEED = os.environ.get("GATEPOST_EDGE_SEED", "0")
PAGE = Path(__file__).parents[2] / "docs" / "pages" / "how-to" / "edge.md"
TLS = {"host": "127.0.0.1", "port": 0, "tls": "auto"}
LIMITS = {"head": "4k", "headers": 20, "target": 300}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, valkey: Valkey) -> Iterator[EdgeStage]:
    """A gateway with a listener of its own with TLS, and one at the edge."""
    folder = tmp_path_factory.mktemp("doors")
    store = {"url": valkey.url, "prefix": f"test-{uuid4().hex[:12]}:"}
    server = {"listen": [TLS, EDGE, {"host": "127.0.0.1", "port": 0}], "max_body": "100k", "limits": LIMITS}
    limited = {"use": "rate_limit", "with": {"limit": 1000, "per": "1h", "by": "address"}}
    routes = [*ROUTES, {"path": "/counted", "upstream": "backend", "auth": "none", "plugins": [limited]}]
    with raw_upstream() as backend:
        made = edge_configuration(backend.url, server=server, store=store, routes=routes)
        # Upstreams are to answer nonsense as often as they like.
        made["upstreams"]["backend"]["breaker"] = None
        made["plugins"] = [{"use": "request_id"}]
        running = Running(made, folder)
        running.await_ready()
        yield EdgeStage(running, backend)
        running.stop()


PATHS = (
    "/open", "/open/", "/open//a", "/open/a%2Fb", "/open/a%2fb", "/open/;x=1", "/open/%41%7e",
    "/open/caf%C3%A9",
    "/open/@:!$&'()*,;=", "/open/[1]|2", "/open/^", "/open/%20", "/open?", "/open?a=b&&c=%26?x",
    "/open/%2e%2e/x",
    "/open/..;/x", "/open/./x", "/open/%5cx", "/open/%0a", "/open/%zz", "/open/%ff", "/OPEN", "/stripped",
    "/stripped/", "/stripped//x", "/stripped/a%2Fb?q", "/stripped%2Fx", "/nowhere", "/orders", "/orders/1",
    "/open/%252F", "/open/%00", "/open/%c0%ae", "/" + "a" * 400, "/open/" + "a" * 250, "/", "//", "/portal",
    "/.well-known/oauth-authorization-server", "/jwks", "/auth/verify/open", "/orders/%61;a",
)  # fmt: skip
FIELDS = (
    ("accept", "*/*"), ("x-two", "a"), ("x-two", "b"), ("x_under", "1"), ("cookie", "a=1; b=2"),
    ("x-empty", ""),
    ("authorization", "Bearer nonsense"), ("authorization", "Basic YTpi"), ("x-client-id", "root"),
    ("x_client_id", "root"), ("x.client.id", "root"), ("x-authenticated-scope", "admin"), ("via", "1.0 cdn"),
    ("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"), ("x-forwarded-prefix", "/evil"), ("x-http-method-override", "DELETE"),
    ("x-original-url", "/admin"), ("x.rewrite.url", "/"), ("client-cert", ":YQ==:"), ("x-real-ip", "1.1.1.1"),
    ("content-type", "text/plain"), ("content-encoding", "gzip"), ("if-none-match", '"a"'),
    ("range", "bytes=0-1"),
    ("user-agent", "a/1 (b)"), ("referer", "https://a.example/?x"), ("origin", "https://a.example"),
    ("access-control-request-method", "PUT"), ("max-forwards", "0"), ("priority", "u=1"),
    ("x-a", "a,b;c=\"d\""),
    ("accept-encoding", "gzip, br"), ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01"),
    ("dpop", "x"), ("x-request-id", "mine"), ("expect-ct", "x"), ("early-data", "1"),
    ("sec-fetch-site", "none"),
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "TRACE")
BODIES = (
    b"a",
    b"0123456789" * 1000,
    bytes(range(256)) * 300,
    b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    bytes(110_000),
)
ANSWERS = {
    "of no content": b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "not modified": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
    "of an error": answer("404 Not Found", b"none", "X-A: 1"),
    "of a broken server": answer("500 Oops", b"", "Retry-After: 1"),
    "with an unknown status": answer("299 Mine", b"x"),
    "with cookies": answer("200 OK", b"x", "Set-Cookie: a=1", "Set-Cookie: b=2; Path=/"),
    "with repeated fields": answer("200 OK", b"x", "Vary: a", "Vary: b", "X-Two: a", "X-Two: b"),
    "with odd fields": answer("200 OK", b"x", "X_Under: 1", "x.dot: 1", "X-Empty: ", "X-Latin: caf\xe9"),
    "with a redirect": answer("302 Found", b"", "Location: /stripped/y?a=%2F"),
    "with a server and a date": answer("200 OK", b"x", "Server: mine", "Via: 1.1 x", "Alt-Used: a"),
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "up to the end": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nuntil the end",
    "of hop-by-hop fields": answer("200 OK", b"x", "Connection: x-gone", "X-Gone: 1", "Keep-Alive: a"),
    "with x-envoy fields": answer("200 OK", b"x", "X-Envoy-Upstream-Service-Time: 1"),
    "of no HTTP": b"nonsense\r\n\r\n",
    "that is large": answer("200 OK", bytes(range(256)) * 2000, "Content-Type: application/octet-stream"),
}  # fmt: skip
CASES = [
    *(Case(f"path {path}", path) for path in PATHS),
    *(Case(f"method {method}", "/open/x", method) for method in METHODS),
    *(Case(f"field {name} {number}", fields=((name, value),)) for number, (name, value) in enumerate(FIELDS)),
    *(Case(f"body {number}", "/open/x", "POST", body=body) for number, body in enumerate(BODIES)),
    *(Case(f"answer {name}", "/stripped/x", answer=data) for name, data in ANSWERS.items()),
    *(Case(f"answer {name} to HEAD", "/open/x", "HEAD", answer=data) for name, data in ANSWERS.items()),
    Case("many fields", fields=tuple((f"x-{number}", "a") for number in range(25))),
    Case("large fields", fields=tuple((f"x-{number}", "a" * 900) for number in range(6))),
    Case(
        "an own endpoint", "/token", "POST", (("content-type", "application/x-www-form-urlencoded"),), b"a=b"
    ),
    Case("a counted request", "/counted/x"),
]
PARTS = 6
"""Tests that share the cases."""


def by_chance(number: int) -> Iterator[Case]:
    """Cases put together of the pieces of the others."""
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    for place in range(number):
        fields = tuple(dict(chance.sample(FIELDS, chance.randint(0, 4))).items())
        method = chance.choice(METHODS[:8])
        body = chance.choice(BODIES) if method in ("POST", "PUT", "PATCH") and chance.random() < 0.7 else b""
        path = chance.choice(PATHS)
        data = chance.choice([answer(), *ANSWERS.values()])
        yield Case(f"chance {place}: {method} {path}", path, method, fields, body, data)


TWO_TOKENS = (("authorization", "Bearer nonsense"), ("authorization", "Basic YTpi"))
DIFFERENCES = {
    "a method that nobody knows": (Case("", method="FOO"), (501, 400, 501, 501)),
    "`QUERY` without `Content-Type`": (Case("", method="QUERY"), (200, 400, 400, 400)),
    "Several `Authorization` fields": (Case("", "/open/x", fields=TWO_TOKENS), (400, 200, 200, 200)),
    "a value with bytes beyond ASCII": (Case("", fields=(("x-latin", "caf\xe9"),)), (200, 200, 200, 0)),
}
"""Requests that fare otherwise: the statuses without the edge and by each version; 0 is a reset."""


@pytest.mark.parametrize("part", range(PARTS))
async def test_requests_through_the_edge_fare_as_without_it(stage: EdgeStage, part: int) -> None:
    async with doors_of(stage) as found:
        for case in [*CASES, *by_chance(MANY)][part::PARTS]:
            expected = await found.seen(OWN, case)
            for door in DOORS[1:]:
                assert await found.seen(door, case) == expected, (case, door)


def doors_of(stage: EdgeStage) -> AbstractAsyncContextManager[Doors]:
    own, edge = (int(urlsplit(url).port or 0) for url in stage.running.addresses("https"))
    return doors(own, edge, stage.upstream)


@pytest.mark.parametrize(("case", "statuses"), DIFFERENCES.values(), ids=DIFFERENCES)
async def test_what_fares_otherwise_at_the_edge_is_known_and_in_its_page(
    stage: EdgeStage, case: Case, statuses: tuple[int, ...]
) -> None:
    name = next(name for name, (known, _) in DIFFERENCES.items() if known is case)
    assert name in PAGE.read_text().partition("## What differs")[2]
    async with doors_of(stage) as found:
        assert tuple([(await found.seen(door, case)).status for door in DOORS]) == statuses


async def test_a_token_beside_other_credentials_is_refused_at_the_edge_too(stage: EdgeStage) -> None:
    """RFC 6750 section 2: one way at a time. Envoy joins the two fields, and then they are no token."""
    issued = await token(stage.running, scope="orders.read")
    bearer = ("authorization", f"Bearer {issued['access_token']}")
    async with doors_of(stage) as found:
        for fields in ((bearer, TWO_TOKENS[1]), (TWO_TOKENS[1], bearer), (bearer, bearer)):
            for door in DOORS:
                seen = await found.seen(door, Case("", "/orders/1", fields=fields))
                assert (seen.status in (400, 401), seen.upstream) == (True, []), (door, fields)
        alone = Case("", "/orders/1", fields=(bearer,))
        assert {(await found.seen(door, alone)).status for door in DOORS} == {200}
