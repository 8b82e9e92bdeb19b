"""Where the requests of a route may carry their token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HEADER: Final = "header"
WEBSOCKET_PROTOCOL: Final = "websocket_protocol"
COOKIE: Final = "cookie:"


@dataclass(frozen=True, slots=True)
class TokenSources:
    """The places that are looked at."""

    header: bool
    """Authorization (RFC 6750 section 2.1)."""
    cookies: frozenset[bytes]
    """The names of cookies."""
    websocket_protocol: bool
    """The subprotocol behind `bearer` in Sec-WebSocket-Protocol: a page can set no other header there."""


def token_sources(names: Iterable[str]) -> TokenSources | None:
    """The places that `token_from` names. None: the header alone, as everywhere else."""
    wanted = frozenset(names)
    if wanted == {HEADER}:
        return None
    return TokenSources(
        HEADER in wanted,
        frozenset(name.removeprefix(COOKIE).encode() for name in wanted if name.startswith(COOKIE)),
        WEBSOCKET_PROTOCOL in wanted,
    )
