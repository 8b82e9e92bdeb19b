"""The same bytes to a gateway and to the Envoy that `gatepost export envoy` puts in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Valkey
from tests.e2e.exported_envoy import Envoy, exported
from tests.edge.clients import Answer
from tests.edge.clients import ask as ask_by
from tests.exactness.conftest import exact_config
from tests.exactness.opinions import Opinion, ask
from tests.exactness.programs import program
from tests.exactness.raw_requests import SOUND, UNSOUND
from tests.raw import RawMessage, RawUpstream, raw_upstream
from tests.running import ROOT, Running

PATIENCE, LONG_PATIENCE = 0.25, 3.0
"""Seconds; the second where the first has shown a difference that a busy machine can make."""
HTTP_3 = 3
PAGE = Path(ROOT) / "docs" / "pages" / "how-to" / "envoy.md"
TABLE = {**SOUND, **UNSOUND}
DIFFERENCES = {
    "HTTP/1.0 and unknown versions get 426": (
        "http/1.0",
        "http/1.0 kept",
        "http/1.0 without host",
        "http/1.0 with a body",
        "no version",
        "http/1.2",
        "http/2.0",
        "http/0.9",
        "te in http/1.0",
    ),
    "unknown methods get 400": ("method in small letters", "unknown method"),
    "CONNECT gets 404": ("connect",),
    "unknown transfer codings get 501": (
        "gzip",
        "chunked, gzip",
        "chunked twice",
        "two te headers",
        "identity",
        "xchunked",
        "quoted chunked",
        "chunked with a parameter",
        "empty te",
    ),
    "`Expect: 100-continue` is answered by Envoy": ("expect",),
    "hosts with an underscore get 400": ("absolute-form with an underscore",),
    "white space in the request line is read as one space": (
        "two spaces",
        "two spaces before the version",
        "space behind the version",
        "tab",
    ),
    "line ends are read generously": (
        "lines end with LF",
        "cr first",
        "lf first",
        "folded line",
        "bare cr in a value",
        "cr cr lf",
        "lf in the head",
    ),
    "chunks are read generously": ("chunk longer than its size", "space behind a chunk size"),
    "trailers are dropped": ("forged trailer",),
    "a user name in an absolute target is dropped": ("absolute-form with a user",),
}
"""What Envoy does otherwise, as the documentation has it, and the requests that show it."""


@dataclass(frozen=True)
class Both:
    """A gateway, and an Envoy that asks another one; each has its own upstream."""

    gateway: int
    behind: RawUpstream
    envoy: int
    tls: int
    udp: int
    other: RawUpstream

    def ask(self, data: bytes, *, alike: bool) -> tuple[Opinion, Opinion]:
        """What each makes of the same bytes: asked again where a slow one could be the difference."""
        for patience in (PATIENCE, LONG_PATIENCE):
            found = (
                ask(self.gateway, self.behind, data, patience),
                ask(self.envoy, self.other, data, patience),
            )
            if (found[0] == found[1]) is alike:
                break
        return found

    def port(self, version: int) -> int:
        """Envoy's port with TLS for a version of HTTP."""
        return self.udp if version == HTTP_3 else self.tls


@pytest.fixture(scope="module")
def both(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    program("envoy")
    listen = [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}]
    with ExitStack() as stack:
        upstreams = [stack.enter_context(raw_upstream()) for _ in range(2)]
        gateways = []
        for upstream in upstreams:
            folder = tmp_path_factory.mktemp("gateway")
            own = {"listen": listen, "trusted_proxies": ["127.0.0.1"], "state_dir": str(folder)}
            config = exact_config(upstream.port, valkey.url, fast_path=True, **own)
            gateways.append(Running(config, folder))
            stack.callback(gateways[-1].stop)
            gateways[-1].await_ready()
        alone, asked = gateways
        made = exported(asked.file, "--gateway", asked.http, "--http3")
        envoy = Envoy(made, tmp_path_factory.mktemp("envoy"))
        stack.callback(envoy.stop)
        plain, tls, udp = envoy.await_ports(3)
        yield Both(int(alone.http.rpartition(":")[2]), upstreams[0], plain, tls, udp, upstreams[1])


@pytest.mark.parametrize("name", TABLE)
def test_the_exported_envoy_takes_the_same_bytes_as_the_gateway_or_differs_as_documented(
    both: Both, name: str
) -> None:
    known = [text for text, requests in DIFFERENCES.items() if name in requests]
    ours, envoys = both.ask(TABLE[name], alike=not known)
    assert len(known) == (ours != envoys), (known, ours, envoys)
    assert len(envoys.forwarded) <= 1
    if envoys.forwarded and not ours.forwarded:
        # What Gatepost refuses by its form goes upstream in a form of Envoy's own, and as one request.
        (sent,) = envoys.forwarded
        assert (sent.method, sent.target) in {("GET", "/open/x"), ("POST", "/open/x")}
        assert len(sent.host) == 1
        assert not {"\r", "\n"} & set(sent.target + sent.host[0])


def test_the_differences_of_the_exported_envoy_are_documented() -> None:
    page = PAGE.read_text()
    assert [text for text in DIFFERENCES if text not in page] == []


def sent(request: RawMessage) -> list[tuple[str, str]]:
    """The headers that an upstream has got, without what differs from request to request."""
    of_one_request = ("x-request-id", "x-forwarded-host", "host")
    return sorted(
        (name.lower(), value) for name, value in request.headers if name.lower() not in of_one_request
    )


VERSIONS = pytest.mark.parametrize("version", [1, 2, 3], ids=["http1", "http2", "http3"])
FIELDS = [("accept", "*/*"), ("x_under", "1"), ("x-two", "a"), ("x-two", "b"), ("cookie", "a=1; b=2")]
FORGED = [("x-forwarded-for", "203.0.113.9"), ("x-client-id", "root"), ("forwarded", "for=203.0.113.9")]


@VERSIONS
@pytest.mark.parametrize(
    "path",
    [
        "/open/a//b%2Fc/;x=1?q=%41&&r=[1]|2",
        "/open/%41%7e/a+b?x=a%20b",
        "/open/caf%C3%A9/@:!$&'()*,;=?",
        "/open",
    ],
)
async def test_the_exported_envoy_hands_path_and_query_on_byte_for_byte(
    both: Both, version: int, path: str
) -> None:
    both.other.reset()
    found = await ask_by(version, both.port(version), "GET", path)
    assert (found.status, found.body) == (200, b"hello")
    assert (await both.other.next()).target == path


@VERSIONS
@pytest.mark.parametrize(
    "path", ["/open/%2e%2e/x", "/open/./x", "/open/../x", "/open/%5cx", "/open/a%0ab", "/Open/x", "/open;a/x"]
)
async def test_the_exported_envoy_lets_the_gateway_refuse_ambiguous_paths(
    both: Both, version: int, path: str
) -> None:
    both.other.reset()
    found = await ask_by(version, both.port(version), "GET", path)
    assert (found.status, code(found)) == (400, "400")
    assert not both.other.requests


@pytest.mark.parametrize("version", [2, 3], ids=["http2", "http3"])
async def test_the_exported_envoy_gives_upstreams_the_same_headers_in_each_version(
    both: Both, version: int
) -> None:
    both.other.reset()
    for one in (1, version):
        found = await ask_by(one, both.port(one), "POST", "/open/x", [*FIELDS, *FORGED], b"abc")
        assert found.status == 200
    first, other = both.other.requests
    ignored = ("content-length", "transfer-encoding")
    kept = [[pair for pair in sent(one) if pair[0] not in ignored] for one in (first, other)]
    assert kept[0] == kept[1]
    assert first.content == other.content == b"abc"
    # Envoy has the last word: of what came before it Gatepost believes nothing but trusted_proxies.
    assert (first.header("X-Forwarded-For") or "").startswith("203.0.113.9,")
    assert first.header("X-Forwarded-Proto") == "https"
    assert not [name for name, _ in first.headers if name.lower().startswith(("x-client-id", "forwarded"))]


@VERSIONS
async def test_the_exported_envoy_refuses_as_the_gateway_does(both: Both, version: int) -> None:
    for path, status, told in (("/read", 401, "900902"), ("/nothing", 404, "404")):
        found = await ask_by(version, both.port(version), "GET", path)
        assert (found.status, code(found)) == (status, told)
    wrong = await ask_by(version, both.port(version), "GET", "/read", [("authorization", "Bearer wrong")])
    assert (wrong.status, code(wrong)) == (401, "900901")
    assert 'error="invalid_token"' in (wrong.header("www-authenticate") or "")


def code(answer: Answer) -> str:
    return str(json.loads(answer.body)["code"])
