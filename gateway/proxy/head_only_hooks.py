"""Hooks that depend on a head alone: they run once for each distinct head, and the result is cached.

They come before all that differs from request to request: the gateway's own headers, and other hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from gateway.http.exchange import NOBODY, Exchange, ForwardHead, RequestHead, ResponseHead
from gateway.http.route import Route

Hook = Callable[[Exchange], Any]
HEAD_ONLY_HOOKS = ("on_forward", "on_response")
"""The phases whose hooks can be such."""


class HeadView(Exchange):
    """An exchange of which only heads and the route are known.

    Reading or setting anything else raises AttributeError, and so ends the request.
    """

    __slots__ = ()

    def __init__(self) -> None:
        # The attributes of an exchange are slots: those that are never set are not there.
        pass

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _KNOWN:
            raise AttributeError(f"a hook that goes by the head alone can't set {name}")
        object.__setattr__(self, name, value)


_KNOWN = frozenset({"forward", "request", "response", "route"})


def apply_to_request(
    hooks: Sequence[Hook], request: RequestHead, route: Route, forward: ForwardHead
) -> ForwardHead:
    """What goes upstream, as the hooks change it. They don't see the peer.

    Raises:
        Exception: what a hook raises.
        TypeError: a hook has returned something, which it can't.
    """
    if not hooks:
        return forward
    given = HeadView()
    given.request, given.route, given.forward = replace(request, peer=NOBODY), route, forward
    _run(hooks, given)
    return given.forward or forward


def apply_to_response(hooks: Sequence[Hook], response: ResponseHead) -> ResponseHead:
    """What came back, as the hooks change it. They don't see the request. Raises as `apply_to_request`."""
    if not hooks:
        return response
    given = HeadView()
    given.response = response
    _run(hooks, given)
    return given.response or response


def _run(hooks: Sequence[Hook], given: HeadView) -> None:
    for hook in hooks:
        if hook(given) is not None:
            raise TypeError("a hook that goes by the head alone can't answer, nor wait")
