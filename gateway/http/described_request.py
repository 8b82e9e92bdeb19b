"""The request that a proxy has got and asks about: read from its description (forward authentication).

There are three ways to describe one, and a question may use more than one of them:

    X-Original-Method and X-Original-URL                    nginx, HAProxy
    X-Forwarded-Method, -Uri, -Host and -Proto              Traefik, Caddy
    the question's own method, and what is behind its path  Envoy

Proxies hand on such headers from their own callers. So whatever is said must agree; else it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from gateway.http.asking_proxies import SECRET
from gateway.http.exchange import Header, Peer, RequestHead
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.header_names import HOP_BY_HOP, is_override
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.http.request_head import check_method, valid_host
from gateway.http.request_target import Target, parse_target
from gateway.http.route import Route

ORIGINAL_METHOD = b"x-original-method"
ORIGINAL_URL = b"x-original-url"
FORWARDED_METHOD = b"x-forwarded-method"
FORWARDED_URI = b"x-forwarded-uri"
FORWARDED_HOST = b"x-forwarded-host"
FORWARDED_PROTO = b"x-forwarded-proto"
_DESCRIPTION = frozenset({ORIGINAL_METHOD, ORIGINAL_URL, FORWARDED_METHOD, FORWARDED_URI, SECRET})
# What frames the question, or belongs to its connection, says nothing of the request.
_OF_THE_QUESTION = HOP_BY_HOP | _DESCRIPTION | {b"host", b"content-length", b"expect", b"trailer"}
_WEBSOCKET = frozenset({b"sec-websocket-key", b"sec-websocket-version"})
_UPGRADE: tuple[Header, ...] = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))
_SCHEMES = {b"ws": b"http", b"wss": b"https"}
T = TypeVar("T")


def rest_of_target(target: bytes, prefixes: tuple[bytes, ...]) -> bytes | None:
    """The path and query that stand behind the endpoint's path, or nothing.

    None: the target is not below any of `prefixes`.

    Args:
        target: path and query of the question.
        prefixes: the endpoint's paths, without a slash at the end.
    """
    for prefix in prefixes:
        if target.startswith(prefix) and target[len(prefix) : len(prefix) + 1] in (b"", b"/", b"?"):
            rest = target[len(prefix) :]
            # Caddy leaves the caller's query at its own question. It has told all of the URI in a header.
            return b"" if rest.startswith(b"?") else rest
    return None


def described_request(
    question: RequestHead, rest: bytes, peer: Peer, limits: RequestHeadLimits = DEFAULT_LIMITS
) -> RequestHead:
    """The head of the request that is asked about.

    Args:
        question: the head of the proxy's question.
        rest: what stands behind the endpoint's path in its target.
        peer: the client behind the proxy.
        limits: of heads.

    Raises:
        Problem: no request is described, the descriptions contradict each other, or it is malformed.
    """
    method = _method(question, rest)
    check_method(method)
    targets = dict(_targets(question, rest, method, limits))
    if not targets:
        raise Problem(BAD_REQUEST, "No request is described: there is no X-Original-URL or X-Forwarded-Uri.")
    target = _agreed("path and query", {target.raw: target for target in targets.values()})
    host = _host(question, targets)
    _check_scheme(question)
    return RequestHead(
        method, target.raw, target.path, target.segments, target.query, host, _headers(question, host), peer
    )


def check_overrides(request: RequestHead, route: Route) -> None:
    """Headers by which the request could be taken for another one than was judged are refused.

    In a proxied request they are removed. A proxy that asks hands them on.

    Raises:
        Problem: there is one that the route does not allow.
    """
    for name, _ in request.headers:
        lower = name.lower()
        if is_override(lower) and lower not in route.allow_headers:
            shown = name.decode("latin-1")
            raise Problem(
                BAD_REQUEST, f"{shown} could make another request of it: the route does not allow it."
            )


def _one(question: RequestHead, name: bytes) -> bytes | None:
    values = question.values(name)
    if len(values) > 1:
        raise Problem(BAD_REQUEST, f"The header {name.decode()} is repeated.")
    return values[0] if values else None


def _agreed(what: str, said: dict[bytes, T]) -> T:
    if len(said) > 1:
        raise Problem(BAD_REQUEST, f"The request is described in contradiction: by more than one {what}.")
    return next(iter(said.values()))


def _method(question: RequestHead, rest: bytes) -> str:
    said = [_one(question, ORIGINAL_METHOD), _one(question, FORWARDED_METHOD)]
    if rest:
        said.append(question.method.encode())
    methods = {method: method.decode("latin-1") for method in said if method is not None}
    if not methods:
        # The question's own is no answer: nginx asks about all requests with GET.
        raise Problem(
            BAD_REQUEST, "No method is described: there is no X-Original-Method or X-Forwarded-Method."
        )
    return _agreed("method", methods)


def _targets(
    question: RequestHead, rest: bytes, method: str, limits: RequestHeadLimits
) -> Iterator[tuple[bytes, Target]]:
    """Each target that is described, by where. Only X-Original-URL can name a host."""
    described = {
        ORIGINAL_URL: _one(question, ORIGINAL_URL),
        FORWARDED_URI: _one(question, FORWARDED_URI),
        b"": rest or None,
    }
    for place, raw in described.items():
        if raw is None:
            continue
        if not raw.startswith(b"/") and place != ORIGINAL_URL:
            raise Problem(
                BAD_REQUEST, "The path of the request that is described does not begin with a slash."
            )
        target = parse_target(raw, method, limits.target)
        if not target.path.startswith(b"/"):
            raise Problem(BAD_REQUEST, "The request that is described has no path.")
        yield place, target


def _host(question: RequestHead, targets: dict[bytes, Target]) -> str:
    """The host of the request: whatever is said of it must agree.

    Traefik and Caddy send the request's own in X-Forwarded-Host, and the gateway's in Host.
    """
    said = [] if ORIGINAL_URL not in targets else [targets[ORIGINAL_URL].authority or question.host.encode()]
    if b"" in targets:
        said.append(question.host.encode())
    forwarded = _one(question, FORWARDED_HOST)
    said += [forwarded] if forwarded is not None else [] if said else [question.host.encode()]
    hosts = {host.lower(): host for host in said}
    host = _agreed("host", hosts).lower()
    if not valid_host(host):
        raise Problem(BAD_REQUEST, "The host of the request that is described is invalid.")
    return host.decode("ascii")


def _check_scheme(question: RequestHead) -> None:
    url, proto = _one(question, ORIGINAL_URL), _one(question, FORWARDED_PROTO)
    if url is None or proto is None or url.startswith(b"/"):
        return
    proto = proto.lower()
    schemes = {url.partition(b":")[0].lower(), _SCHEMES.get(proto, proto)}
    _agreed("scheme", dict.fromkeys(schemes))


def described_scheme(question: RequestHead) -> str | None:
    """The scheme in X-Original-URL; None: there is none. `described_request` has checked it."""
    url = question.value(ORIGINAL_URL)
    return None if url is None or url.startswith(b"/") else url.partition(b":")[0].lower().decode()


def _headers(question: RequestHead, host: str) -> tuple[Header, ...]:
    """The request's own headers.

    An upgrade is hop by hop, and does not reach the gateway: RFC 6455 section 4.1 has headers that do.
    """
    own = [item for item in question.headers if item[0].lower() not in _OF_THE_QUESTION]
    upgrade = _UPGRADE if any(name.lower() in _WEBSOCKET for name, _ in own) else ()
    return ((b"Host", host.encode()), *own, *upgrade)
