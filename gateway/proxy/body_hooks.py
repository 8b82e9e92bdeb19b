"""The hook `on_body`: which plugins want the whole body of a message, and up to what size."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from gateway.http.body_hook import BodyHook, BodyKind, MessageBody
from gateway.http.exchange import Exchange, Response
from gateway.plugin import ProxyPlugin


def body_hooks(plugins: Sequence[ProxyPlugin], kind: BodyKind) -> tuple[BodyHook, ...]:
    """The hooks of the plugins that override `on_body` and name a limit for this kind of message."""
    return tuple(
        BodyHook(plugin.body_limits[kind], plugin.wants_body, plugin.on_body)
        for plugin in plugins
        if type(plugin).on_body is not ProxyPlugin.on_body
        and "on_body" not in plugin.idle
        and kind in plugin.body_limits
    )


def wanted(hooks: Sequence[BodyHook], exchange: Exchange, kind: BodyKind) -> list[BodyHook]:
    """Those that want the body of this message."""
    return [hook for hook in hooks if hook.wants(exchange, kind)]


async def run_body_hooks(hooks: Sequence[BodyHook], exchange: Exchange, body: MessageBody) -> Response | None:
    """Runs the hooks one after the other; the first response of a request's hook ends it."""
    for hook in hooks:
        answer = hook.run(exchange, body)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is not None and body.kind == "request":
            if not isinstance(answer, Response):
                raise TypeError(f"on_body returned {type(answer).__name__}, not a Response")
            return answer
    return None
