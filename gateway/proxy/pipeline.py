"""The phases of a proxied request, compiled per route when the configuration is loaded.

A hook that no plugin overrides is in no list, and so costs nothing. A hook that raises ends the
request: a broken guard lets nobody through.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.exchange import Answer, Exchange, ForwardHead, RequestHead, header_values
from gateway.oauth.bearer import Refusal, judge, read_bearer
from gateway.oauth.values import TokenFacts
from gateway.plugin import HOOKS, ProxyPlugin
from gateway.proxy.headers import identity_headers, request_headers
from gateway.proxy.max_forwards import one_hop_less
from gateway.proxy.routes import upstream_target

Hook = Callable[[Exchange], Any]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One route's hooks, in the order of gateway.yaml."""

    on_preflight: tuple[Hook, ...]
    on_request: tuple[Hook, ...]
    on_authorized: tuple[Hook, ...]
    on_forward: tuple[Hook, ...]
    on_response: tuple[Hook, ...]
    on_finish: tuple[Hook, ...]
    synchronous: bool
    """Whether no hook awaits anything."""


def compile_pipeline(plugins: Sequence[ProxyPlugin]) -> Pipeline:
    """The hooks that these plugins override, phase by phase."""
    phases = {name: tuple(_overridden(plugins, name)) for name in HOOKS}
    hooks = [hook for phase in phases.values() for hook in phase]
    return Pipeline(**phases, synchronous=not any(inspect.iscoroutinefunction(hook) for hook in hooks))


def _overridden(plugins: Sequence[ProxyPlugin], name: str) -> list[Hook]:
    base = getattr(ProxyPlugin, name)
    return [getattr(plugin, name) for plugin in plugins if getattr(type(plugin), name) is not base]


async def run(hooks: Sequence[Hook], exchange: Exchange) -> Answer | None:
    """Runs one phase; the first answer ends it."""
    for hook in hooks:
        answer = hook(exchange)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is not None:
            return checked(answer)
    return None


def run_now(hooks: Sequence[Hook], exchange: Exchange) -> Answer | None:
    """As `run`, for a route whose hooks are all synchronous."""
    for hook in hooks:
        answer = hook(exchange)
        if answer is not None:
            return checked(answer)
    return None


def checked(answer: object) -> Answer:
    """What a hook returned, if it is an answer.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(answer, Answer):
        raise TypeError(f"a hook returned {type(answer).__name__}, not an Answer")
    return answer


async def authorize(
    exchange: Exchange, find: Callable[[str, frozenset[str]], Awaitable[TokenFacts | None]], now: float
) -> Refusal | None:
    """Lets the caller in, or says why not. Judged on every request, whatever is cached."""
    route = exchange.route
    if not route.protected:
        return None
    if exchange.caller is not None:
        # A plugin has found out who calls; whether that suffices is still the route's to say.
        return judge(exchange.caller, route.scopes, route.audience, now)
    token = bearer_token(exchange.request)
    if isinstance(token, Refusal):
        return token
    facts = await find(token, route.issuers)
    refusal = judge(facts, route.scopes, route.audience, now)
    if refusal is None:
        exchange.caller = facts
    return refusal


def bearer_token(request: RequestHead) -> str | Refusal:
    """The request's token, or why there is none."""
    return read_bearer(header_values(request.headers, b"authorization"))


def forward_head(exchange: Exchange) -> ForwardHead:
    """The head that goes upstream, before the plugins see it."""
    request, route = exchange.request, exchange.route
    headers = request_headers(request, forward_token=route.forward_token)
    headers += identity_headers(request, exchange.request_id, exchange.caller)
    headers = one_hop_less(request, headers)
    return ForwardHead(request.method, upstream_target(route, request), headers)


def head_bytes(forward: ForwardHead, framing: bytes) -> bytes:
    """The head as it goes over the wire. `framing` is a header line of the gateway's own, or empty."""
    lines = [b"%s: %s\r\n" % item for item in forward.headers]
    return b"%s %s HTTP/1.1\r\n%s%s\r\n" % (forward.method.encode(), forward.target, b"".join(lines), framing)
