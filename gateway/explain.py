"""Says in words what happens to a request, from the configuration alone: nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.endpoints import is_endpoint
from gateway.exchange import Exchange, ForwardHead, RequestHead
from gateway.oauth.values import OWN, OWN_ONLY, TokenFacts
from gateway.plugin import HOOKS
from gateway.proxy.arrival import read_head
from gateway.proxy.canary import Canary
from gateway.proxy.forwarded import direct_peer
from gateway.proxy.pipeline import Pipeline, forward_head
from gateway.proxy.routes import Route, RouteTable

EXAMPLE_ADDRESS = "203.0.113.7"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happens to a request, line by line."""

    lines: tuple[str, ...]


def explain(method: str, url: str, routes: RouteTable, upstreams: Mapping[str, str]) -> Explanation:
    """Which route takes the request, who may call it, what the plugins do, and what goes upstream.

    `upstreams` describes each upstream, by the name that routes call it.

    Raises:
        Fault: no route takes it; the fault is what a caller would be told.
    """
    head = example_head(method, url)
    if is_endpoint(head.segments):
        path = head.path.decode("latin-1")
        return Explanation((f"{method} {path} is an endpoint of the gateway's own.",))
    route = routes.match(head)
    caller = example_caller(route) if route.protected else None
    forward = foreseen(Exchange(head, route, "<a new id>", caller=caller))
    sent = [f"{forward.method} {forward.target.decode('latin-1')} HTTP/1.1"]
    sent += [f"{name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in forward.headers]
    return Explanation(
        (
            f"route         {route_text(route)}",
            f"who may call  {who_may_call(route)}",
            *plugin_lines(route.pipeline),
            f"upstream      {route.upstream_name} ({upstreams[route.upstream_name]})",
            *canary_lines(route.canary, upstreams),
            "sent upstream, beside the caller's own headers:",
            *(f"  {line}" for line in sent),
        )
    )


def canary_lines(canary: Canary | None, upstreams: Mapping[str, str]) -> Iterable[str]:
    """Where else requests of the route may go."""
    if canary is not None:
        name = canary.route.upstream_name
        header = "" if canary.header is None else f"; {canary.header.decode()}: always or never decides"
        yield f"canary        {canary.percent:g} % to {name} ({upstreams[name]}){header}"


def foreseen(exchange: Exchange) -> ForwardHead:
    """The head that goes upstream, as far as plugins say that it can be foreseen."""
    exchange.forward = forward_head(exchange)
    for hook in exchange.route.pipeline.on_forward:
        if hook.__self__.foreseeable:
            hook(exchange)
    return exchange.forward


def example_head(method: str, url: str) -> RequestHead:
    """The head of a request for `url`: a path, or a whole URL."""
    parts = urlsplit(url)
    host = parts.netloc or "localhost"
    start = len(url) - len(url.partition("://")[2].partition("/")[2]) - 1 if parts.netloc else 0
    target = url[start:] if url[start:].startswith("/") else "/" + url[start:].lstrip("?/")
    peer = direct_peer(EXAMPLE_ADDRESS, parts.scheme or "https")
    return read_head(method, target.encode(), (1, 1), [(b"Host", host.encode())], peer)


def example_caller(route: Route) -> TokenFacts:
    """The facts of a token that suffices for the route."""
    scopes = tuple(sorted(route.scopes)) or ("<the token's scopes>",)
    return TokenFacts("<the token's client>", scopes, (), "", 0, 0, "")


def route_text(route: Route) -> str:
    """The route as gateway.yaml has it."""
    kind = "exactly" if route.exact else "and all below"
    host = f" on {route.host}" if route.host else ""
    return f"{route.path} ({kind}){host}, methods: {', '.join(route.methods) or 'all'}"


def who_may_call(route: Route) -> str:
    """Who may call the route."""
    if not route.protected:
        return "everybody (auth: none)"
    needs = f" with the scopes {route.scope_text}" if route.scopes else ""
    audience = f" for the audience {route.audience}" if route.audience else ""
    own = ["this gateway's"] if OWN in route.issuers else []
    whose = " or ".join([*own, *(f"the issuer {name}'s" for name in sorted(route.issuers - {OWN}))])
    issuers = f", {whose}" if route.issuers != OWN_ONLY else ""
    return f"who has a live token{needs}{audience}{issuers}"


def plugin_lines(pipeline: Pipeline) -> Iterable[str]:
    """Each plugin's hooks, phase by phase, in their order."""
    found = False
    for phase in HOOKS:
        names = [hook.__self__.summary() for hook in pipeline.hooks(phase)]
        if names:
            found = True
            yield f"{phase:<13} {', '.join(names)}"
    if not found:
        yield "plugins       none"
