"""The plugins' hooks on one route, compiled when the configuration is loaded.

A hook that no plugin overrides is in no list, and so costs nothing. A hook that raises ends the request: a
guard that fails lets nobody through. The order of the phases is in `gateway.proxy.phases`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.http.body_hook import BodyHook
from gateway.http.exchange import Exchange, RequestHead, Response
from gateway.plugin import HOOKS, ProxyPlugin
from gateway.proxy.body_hooks import body_hooks
from gateway.proxy.head_only_hooks import HEAD_ONLY_HOOKS, Hook

log = logging.getLogger("gatepost")

ClientPath = Callable[[bytes, RequestHead], bytes | None]
"""`ProxyPlugin.client_path` of one plugin."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One route's hooks, in the order of gateway.yaml."""

    on_preflight: tuple[Hook, ...]
    on_request: tuple[Hook, ...]
    on_authorized: tuple[Hook, ...]
    on_body: tuple[Any, ...]
    """The hooks themselves; `request_body` and `response_body` say when they are called."""
    on_forward: tuple[Hook, ...]
    on_response: tuple[Hook, ...]
    on_stream: tuple[Callable[[Any, int | None], Any], ...]
    on_failure: tuple[Hook, ...]
    on_finish: tuple[Hook, ...]
    sees_answers: bool
    """Whether a hook sees what the upstream answers to a request."""
    on_verified: tuple[Hook, ...]
    """Those of `on_forward` that also concern requests which another proxy forwards."""
    head_only_on_forward: tuple[Hook, ...]
    """Those for `on_forward` that go by the head alone (`gateway.proxy.head_only_hooks`); they come first."""
    head_only_on_response: tuple[Hook, ...]
    request_body: tuple[BodyHook, ...]
    response_body: tuple[BodyHook, ...]
    client_path: tuple[ClientPath, ...]
    """Of plugins that change the path that goes upstream: the way back."""
    allows_origin: tuple[Callable[[bytes], bool], ...]
    """Of plugins that list the origins of web pages."""

    @property
    def collects_bodies(self) -> bool:
        """Whether a plugin may want a body, whole or as it streams, or put a response in its place."""
        return bool(self.request_body or self.response_body or self.on_stream or self.on_failure)

    def hooks(self, phase: str) -> tuple[Any, ...]:
        """All hooks of a phase, in the order in which they come."""
        first = {"on_forward": self.head_only_on_forward, "on_response": self.head_only_on_response}.get(
            phase, ()
        )
        return (*first, *getattr(self, phase))


def compile_pipeline(plugins: Sequence[ProxyPlugin]) -> Pipeline:
    """The hooks that these plugins override, and that have something to do, phase by phase."""
    hooks = {name: _overridden(plugins, name) for name in HOOKS}
    head_only = {
        name: tuple(_overridden([plugin for plugin in plugins if name in plugin.head_only], name))
        for name in HEAD_ONLY_HOOKS
    }
    phases = {
        name: tuple(hook for hook in found if hook not in head_only.get(name, ()))
        for name, found in hooks.items()
    }
    return Pipeline(
        **phases,
        sees_answers=bool(phases["on_response"] or phases["on_stream"] or phases["on_finish"]),
        on_verified=tuple(hook for hook in phases["on_forward"] if not hook.__self__.replaces_upstream),  # type: ignore[attr-defined]  # a method
        head_only_on_forward=head_only["on_forward"],
        head_only_on_response=head_only["on_response"],
        request_body=body_hooks(plugins, "request"),
        response_body=body_hooks(plugins, "response"),
        allows_origin=tuple(_overridden(plugins, "allows_origin")),
        client_path=tuple(_overridden(plugins, "client_path")),
    )


def _overridden(plugins: Sequence[ProxyPlugin], name: str) -> list[Callable[..., Any]]:
    base = getattr(ProxyPlugin, name)
    return [
        getattr(plugin, name)
        for plugin in plugins
        if getattr(type(plugin), name) is not base and name not in plugin.idle
    ]


Outcome = Response | Awaitable[Response | None] | None
"""A phase's response, or what must be awaited for it. None: no hook answered, the request goes on."""


def run_hooks(hooks: Sequence[Hook], exchange: Exchange) -> Outcome:
    """Runs one phase; the first response ends it.

    Returns an awaitable only from the first hook on that is a coroutine (`settled` awaits it): hooks that
    are plain functions cost no coroutine.
    """
    remaining = iter(hooks)
    for hook in remaining:
        answer = hook(exchange)
        if answer is not None:
            if inspect.isawaitable(answer):
                return _await_hooks(answer, remaining, exchange)
            return _response(answer)
    return None


async def _await_hooks(
    waiting: Awaitable[object], remaining: Iterator[Hook], exchange: Exchange
) -> Response | None:
    # From here on in a task of its own: a plugin may use `asyncio.timeout`, which needs one.
    await asyncio.sleep(0)
    answer = await waiting
    for hook in remaining:
        if answer is not None:
            break
        answer = hook(exchange)
        if inspect.isawaitable(answer):
            answer = await answer
    return None if answer is None else _response(answer)


def _response(answer: object) -> Response:
    if not isinstance(answer, Response):
        raise TypeError(f"a hook returned {type(answer).__name__}, not a Response")
    return answer


T = TypeVar("T")
N = TypeVar("N")


async def settled(outcome: T | Awaitable[T]) -> T:
    """The outcome of a function that returns it, or an awaitable where it has to wait."""
    return await outcome if inspect.isawaitable(outcome) else outcome


async def run_on_finish(exchange: Exchange | None) -> None:
    """Runs `on_finish` behind an answer. None: no route took the request."""
    if exchange is None or not exchange.route.pipeline.on_finish:
        return
    try:
        await settled(run_hooks(exchange.route.pipeline.on_finish, exchange))
    except Exception:
        # The answer is made: all that is left is to say so.
        log.exception("a plugin failed in on_finish")


def then(
    outcome: T | Awaitable[T | None] | None, go_on: Callable[[], N | Awaitable[N]]
) -> T | N | Awaitable[T | N]:
    """The outcome of a phase; where it has none, that of the next one, `go_on`.

    Returns an awaitable only where one of the two waits.
    """
    if outcome is None:
        return go_on()
    return _then_later(outcome, go_on) if inspect.isawaitable(outcome) else outcome


async def _then_later(waiting: Awaitable[T | None], go_on: Callable[[], N | Awaitable[N]]) -> T | N:
    outcome = await waiting
    if outcome is not None:
        return outcome
    following = go_on()
    return await following if inspect.isawaitable(following) else following
