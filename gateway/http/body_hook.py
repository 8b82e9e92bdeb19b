"""Bodies of requests and responses, and the plugins that look into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

BodyKind = Literal["request", "response"]


@dataclass(slots=True)
class MessageBody:
    """A whole body. A plugin that changes `content` changes what goes on."""

    kind: BodyKind
    content: bytes


@dataclass(frozen=True, slots=True)
class BodyHook:
    """`on_body` of one plugin, for requests or for responses. What it takes is an `Exchange`."""

    limit: int
    """Bytes up to which a body is collected."""
    wants: Callable[[Any, BodyKind], bool]
    """Whether it wants the body of this message, by its head."""
    run: Callable[[Any, MessageBody], Any]


class BodyFilter(Protocol):
    """Sees or changes one response's body while it streams. What `on_stream` of a plugin returns."""

    @property
    def changes(self) -> bool:
        """Whether it changes the body. Where none does, the response's head stays as it is."""

    def feed(self, data: bytes) -> bytes:
        """A piece of the body, as the one before has left it; what of it goes on now, if anything."""

    def finish(self) -> bytes:
        """The body is complete: what is left of it."""
