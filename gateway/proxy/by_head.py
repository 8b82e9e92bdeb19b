"""Hooks that go by a head alone: what they do is worked out once for all heads that are alike.

They come before all that differs from request to request: the gateway's own headers, and other hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from gateway.exchange import NOBODY, Exchange, ForwardHead, RequestHead, ResponseHead

if TYPE_CHECKING:
    from gateway.proxy.routes import Route

Hook = Callable[[Exchange], Any]
BY_HEAD = ("on_forward", "on_response")
"""The phases whose hooks can be such."""


class HeadAlone:
    """Stands for the exchange. Whatever else a hook asks it for is not there, and ends the request."""

    __slots__ = ("forward", "request", "response", "route")

    forward: ForwardHead
    request: RequestHead
    response: ResponseHead
    route: Route


def shaped_request(
    hooks: Sequence[Hook], request: RequestHead, route: Route, forward: ForwardHead
) -> ForwardHead:
    """What goes upstream, as the hooks change it. They don't see who sent the request.

    Raises:
        Exception: what a hook raises.
        TypeError: a hook has answered, which it can't.
    """
    if not hooks:
        return forward
    given = HeadAlone()
    given.request, given.route, given.forward = replace(request, peer=NOBODY), route, forward
    _run(hooks, given)
    return given.forward


def shaped_answer(hooks: Sequence[Hook], response: ResponseHead) -> ResponseHead:
    """What came back, as the hooks change it. They don't see what was asked. Raises as `shaped_request`."""
    if not hooks:
        return response
    given = HeadAlone()
    given.response = response
    _run(hooks, given)
    return given.response


def _run(hooks: Sequence[Hook], given: HeadAlone) -> None:
    for hook in hooks:
        if hook(cast(Exchange, given)) is not None:
            raise TypeError("a hook that goes by the head alone can't answer, nor wait")
