"""What `gatepost explain` says about a request, from the configuration alone: nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.http.exchange import Exchange, ForwardHead, Header, RequestHead
from gateway.http.forwarded import direct_peer
from gateway.http.request_head import read_head
from gateway.http.route import Canary, Route, RoutePipeline
from gateway.oauth.model import OWN, OWN_ONLY, TokenInfo
from gateway.plugin import HOOKS
from gateway.proxy.forward_head import build_forward_head
from gateway.proxy.route_table import RouteTable
from gateway.proxy.subscription_guard import subscription_guard_of
from gateway.proxy.verification import granted_headers

EXAMPLE_ADDRESS = "203.0.113.7"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happens to a request that a route takes."""

    route: str
    """The route as gateway.yaml has it."""
    ambiguity: str | None
    """Why the path would be refused if the route did not pass ambiguous ones."""
    access: str
    """Who may call it."""
    plugins: Mapping[str, tuple[str, ...]]
    """The plugins of each phase, in their order."""
    upstream: str | None
    """None: requests are judged at /auth/verify, and never proxied."""
    canary: str | None
    """Where else requests of the route may go."""
    mirror: str | None
    """Where copies of the route's requests go."""
    request_line: str | None
    """What goes upstream, ..."""
    headers: tuple[tuple[str, str], ...]
    """... with these headers beside the client's own. Where nothing does, what a proxy that asks is told."""

    @property
    def lines(self) -> tuple[str, ...]:
        """It all in words, line by line."""
        ambiguous = self.ambiguity and f"{self.ambiguity}; it passes, since ambiguous_paths is pass"
        plugins = [(phase, ", ".join(names)) for phase, names in self.plugins.items()]
        facts = (
            ("route", self.route),
            ("ambiguous", ambiguous),
            ("access", self.access),
            *(plugins or [("plugins", "none")]),
            ("upstream", self.upstream or "none: requests are judged at /auth/verify, and never proxied"),
            ("canary", self.canary),
            ("mirror", self.mirror),
        )
        return (
            *(f"{name:<13} {text}" for name, text in facts if text is not None),
            *(
                ("answered to the proxy, for its upstream:",)
                if self.request_line is None
                else ("sent upstream, in addition to the client's headers:", f"  {self.request_line}")
            ),
            *(f"  {name}: {value}" for name, value in self.headers),
        )


def explain(head: RequestHead, routes: RouteTable, upstreams: Mapping[str, str]) -> Explanation | None:
    """Which route takes the request, who may call it, what the plugins do, and what goes upstream.

    None: the path is an endpoint of the gateway. `upstreams` describes each upstream, by the name that routes
    call it.

    Raises:
        Problem: no route takes it; the problem is what a caller would be told.
    """
    if routes.is_endpoint(head):
        return None
    route = routes.match(head)
    caller = example_token_info(route) if route.protected else None
    forward = foreseen(Exchange(head, route, "<a new id>", token=caller))
    headers = granted_headers(forward, head.headers) if route.verify_only else forward.headers
    return Explanation(
        route=route_text(route),
        ambiguity=routes.other_reading(head),
        access=access_text(route),
        plugins=plugins_by_phase(route.pipeline),
        upstream=None if route.verify_only else f"{route.upstream_name} ({upstreams[route.upstream_name]})",
        canary=canary_text(route.canary, upstreams),
        mirror=None if route.mirror is None else str(route.mirror),
        request_line=None
        if route.verify_only
        else f"{forward.method} {forward.target.decode('latin-1')} HTTP/1.1",
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers),
    )


def canary_text(canary: Canary | None, upstreams: Mapping[str, str]) -> str | None:
    """Where else requests of the route may go."""
    if canary is None:
        return None
    name = canary.route.upstream_name
    header = "" if canary.header is None else f"; {canary.header.decode()}: always or never overrides"
    return f"{canary.percent:g} % to {name} ({upstreams[name]}){header}"


def foreseen(exchange: Exchange) -> ForwardHead:
    """The head that goes upstream, as far as plugins say that it can be foreseen."""
    exchange.forward = build_forward_head(exchange)
    # Hooks are methods of their plugins.
    hooks: tuple[Any, ...] = exchange.route.pipeline.on_forward
    for hook in hooks:
        if hook.__self__.foreseeable:
            hook(exchange)
    return exchange.forward


def example_head(method: str, url: str, headers: Sequence[Header] = ()) -> RequestHead:
    """The head of a request for `url`: a path, or a whole URL.

    Raises:
        Problem: it is malformed.
    """
    parts = urlsplit(url)
    host = parts.netloc or "localhost"
    start = len(url) - len(url.partition("://")[2].partition("/")[2]) - 1 if parts.netloc else 0
    target = url[start:] if url[start:].startswith("/") else "/" + url[start:].lstrip("?/")
    peer = direct_peer(EXAMPLE_ADDRESS, parts.scheme or "https")
    return read_head(method, target.encode(), (1, 1), [(b"Host", host.encode()), *headers], peer)


def example_token_info(route: Route) -> TokenInfo:
    """A token that the route accepts."""
    scopes = tuple(sorted(route.scopes)) or ("<the token's scopes>",)
    return TokenInfo("<the token's client>", scopes, (), "", 0, 0, "")


def route_text(route: Route) -> str:
    """The route as gateway.yaml has it."""
    kind = "exact" if route.exact else "prefix"
    host = f" on {route.host}" if route.host else ""
    kind += "" if route.case_sensitive else ", any case"
    where = f", where {route.where}" if route.where.names else ""
    return f"{route.path} ({kind}){host}{where}, methods: {', '.join(route.methods) or 'all'}"


def access_text(route: Route) -> str:
    """Who may call the route."""
    if not route.protected:
        return "open to all (auth: none)"
    needs = f" with scopes {' '.join(sorted(route.scopes))}" if route.scopes else ""
    audience = f" for audience {route.audience}" if route.audience else ""
    own = ["this gateway"] if OWN in route.issuers else []
    whose = " or ".join([*own, *(f"issuer {name}" for name in sorted(route.issuers - {OWN}))])
    issuers = f", issued by {whose}" if route.issuers != OWN_ONLY else ""
    guard = subscription_guard_of(route)
    subscribed = "" if guard is None else f", of a client that is subscribed to {guard.api}"
    return f"valid token{needs}{audience}{issuers}{subscribed}"


def plugins_by_phase(pipeline: RoutePipeline) -> dict[str, tuple[str, ...]]:
    """What the plugins of each phase say of themselves, in their order; phases without any are left out."""
    found = {phase: tuple(hook.__self__.summary() for hook in pipeline.hooks(phase)) for phase in HOOKS}
    return {phase: names for phase, names in found.items() if names}
