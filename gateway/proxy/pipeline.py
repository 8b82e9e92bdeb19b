"""The phases of a proxied request, compiled per route when the configuration is loaded.

A hook that no plugin overrides is in no list, and so costs nothing. A hook that raises ends the
request: a broken guard lets nobody through.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.exchange import Answer, Exchange, ForwardHead, RequestHead
from gateway.oauth.bearer import NOTHING, Presented, Refusal, judge, read_token
from gateway.oauth.confirmation import KEY, Proven, Shown, proven_by
from gateway.oauth.values import TokenFacts
from gateway.plugin import HOOKS, ProxyPlugin
from gateway.proxy.by_head import BY_HEAD, Hook, shaped_request
from gateway.proxy.headers import identity_headers, request_headers, with_host
from gateway.proxy.max_forwards import one_hop_less
from gateway.proxy.routes import request_uri, upstream_target

Prove = Callable[[Shown, str, str], Awaitable[Proven]]
"""Judges a DPoP proof: what the request shows, the token, the key that it is bound to."""


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
    sees_answers: bool
    """Whether a hook sees what the upstream answers to a request."""
    forward_by_head: tuple[Hook, ...]
    """Those for `on_forward` that go by the head alone (`gateway.proxy.by_head`); they come first."""
    response_by_head: tuple[Hook, ...]

    def hooks(self, phase: str) -> tuple[Any, ...]:
        """All hooks of a phase, in the order in which they come."""
        first = {"on_forward": self.forward_by_head, "on_response": self.response_by_head}.get(phase, ())
        return (*first, *getattr(self, phase))


def compile_pipeline(plugins: Sequence[ProxyPlugin]) -> Pipeline:
    """The hooks that these plugins override, and that have something to do, phase by phase."""
    hooks = {name: _overridden(plugins, name) for name in HOOKS}
    by_head = {
        name: tuple(_overridden([plugin for plugin in plugins if name in plugin.by_head], name))
        for name in BY_HEAD
    }
    phases = {
        name: tuple(hook for hook in found if hook not in by_head.get(name, ()))
        for name, found in hooks.items()
    }
    return Pipeline(
        **phases,
        synchronous=not any(inspect.iscoroutinefunction(hook) for found in hooks.values() for hook in found),
        sees_answers=bool(phases["on_response"] or phases["on_finish"]),
        forward_by_head=by_head["on_forward"],
        response_by_head=by_head["on_response"],
    )


def _overridden(plugins: Sequence[ProxyPlugin], name: str) -> list[Hook]:
    base = getattr(ProxyPlugin, name)
    return [
        getattr(plugin, name)
        for plugin in plugins
        if getattr(type(plugin), name) is not base and name not in plugin.idle
    ]


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
    exchange: Exchange,
    find: Callable[[str, frozenset[str]], Awaitable[TokenFacts | None]],
    now: float,
    prove: Prove | None = None,
) -> Refusal | None:
    """Lets the caller in, or says why not. Judged on every request, whatever is cached.

    Without `prove` nobody is let in with a DPoP-bound token.
    """
    route = exchange.route
    if not route.protected:
        return None
    if exchange.caller is not None:
        # A plugin has found out who calls; whether that suffices is still the route's to say.
        return judge(exchange.caller, route.scopes, route.audience, now)
    presented = presented_token(exchange.request)
    if isinstance(presented, Refusal):
        return presented
    facts = await find(presented.token, route.issuers)
    proven = NOTHING
    if facts is not None and (facts.cnf or presented.dpop):
        shown = await _proven(exchange, presented, facts, prove)
        if isinstance(shown, Refusal):
            return shown
        proven = shown
    refusal = judge(facts, route.scopes, route.audience, now, proven)
    if refusal is None:
        exchange.caller = facts
    return refusal


def presented_token(request: RequestHead) -> Presented | Refusal:
    """The request's token, or why there is none."""
    return read_token(request.values(b"authorization"))


async def _proven(
    exchange: Exchange, presented: Presented, facts: TokenFacts, prove: Prove | None
) -> Mapping[str, str] | Refusal:
    """What the caller holds of what its token is bound to. A nonce for its next proof goes to the answer."""
    certificate = exchange.request.peer.certificate
    if not presented.dpop:
        return proven_by(facts.cnf, certificate, None)
    if prove is None or KEY not in facts.cnf:
        # RFC 9449 section 7.1: a proof is checked against the key that the token is bound to.
        return Refusal.INVALID
    request = exchange.request
    shown = Shown(request.method, request_uri(exchange.route, request), request.values(b"dpop"))
    proof = await prove(shown, presented.token, facts.cnf[KEY])
    if proof.nonce is not None:
        exchange.answer_headers.append((b"DPoP-Nonce", proof.nonce.encode()))
    if proof.refusal is not None:
        return Refusal(proof.refusal.value)
    return proven_by(facts.cnf, certificate, proof.jkt)


def forward_head(exchange: Exchange) -> ForwardHead:
    """The head that goes upstream, before the plugins see it that go by more than the caller's head."""
    request, route = exchange.request, exchange.route
    headers = request_headers(request, forward_token=route.forward_token)
    if route.host_header is not None:
        headers = with_host(headers, route.host_header)
    forward = ForwardHead(request.method, upstream_target(route, request), headers)
    forward = shaped_request(route.pipeline.forward_by_head, request, route, forward)
    forward.headers = forward.headers + identity_headers(request, exchange.request_id, exchange.caller)
    forward.headers = one_hop_less(request, forward.headers)
    return forward


def head_bytes(forward: ForwardHead, framing: bytes) -> bytes:
    """The head as it goes over the wire. `framing` is a header line of the gateway's own, or empty."""
    lines = [b"%s: %s\r\n" % item for item in forward.headers]
    return b"%s %s HTTP/1.1\r\n%s%s\r\n" % (forward.method.encode(), forward.target, b"".join(lines), framing)
