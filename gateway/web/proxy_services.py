"""What proxied requests need, on the fast path and in aiohttp's handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.http.exchange import Exchange
from gateway.proxy.access import FindToken, VerifyProof
from gateway.proxy.route_table import RouteTable
from gateway.server.min_data_rate import MinDataRate
from gateway.web.refusal_recorder import RefusalRecorder
from gateway.web.request_recorder import RequestRecorder

EXCHANGE: Final = web.RequestKey("exchange", Exchange)
TokenEnded = Callable[[str, frozenset[str]], Awaitable[None]]
PROXIED: Final = "proxied"
"""The name in the match info of requests for no endpoint of the gateway's own."""
DESCRIBED: Final = "described"
"""The name in the match info of questions about a request (`/auth/verify`)."""


@dataclass(frozen=True, slots=True)
class ProxyServices:
    """Made once for a configuration."""

    routes: RouteTable
    find_token: FindToken
    """Finds live tokens (`TokenValidator.find`)."""
    token_ended: TokenEnded
    """Returns when a token has ended (`gateway.tokens.token_monitor.TokenMonitor.ended`)."""
    recorder: RequestRecorder
    clock: Clock
    realm: str
    max_body: int
    """Bytes."""
    min_data_rate: MinDataRate
    """The least rate at which a request's body must arrive."""
    refusals: RefusalRecorder
    verify_proof: VerifyProof | None = None
    """Verifies DPoP proofs (`gateway.tokens.sender_constraint.SenderConstraint.verify_proof`)."""
