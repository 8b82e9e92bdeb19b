"""What the proxied half of the application works with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.clock import Clock
from gateway.exchange import Exchange
from gateway.oauth.values import TokenFacts
from gateway.proxy.pipeline import Prove
from gateway.proxy.routes import RouteTable
from gateway.web.ledger import Ledger
from gateway.web.patience import Patience

EXCHANGE = web.RequestKey("exchange", Exchange)
Hear = Callable[[TokenFacts | BaseException | None], None]
"""Hears the facts of a token, or why they can't be known."""
PROXIED = "proxied"
"""The name in the match info that says: this is no endpoint of the gateway's own."""


@dataclass(frozen=True, slots=True)
class ProxyDesk:
    """Everything is worked out when the configuration is loaded."""

    routes: RouteTable
    find_token: Callable[[str, frozenset[str]], Awaitable[TokenFacts | None]]
    """The facts of a live token from one of the issuers that are accepted (`Guard.facts`)."""
    ledger: Ledger
    clock: Clock
    realm: str
    max_body: int
    """Bytes."""
    patience: Patience
    """How slow a body may come."""
    ask_token: Callable[[str, Hear], None]
    """The same, without a task, of an own token that must be asked for (`gateway.tokens.guard.Guard.ask`)."""
    prove: Prove | None = None
    """Judges DPoP proofs (`gateway.tokens.binding.Binding.prove`)."""
