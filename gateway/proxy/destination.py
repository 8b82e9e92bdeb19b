"""Where a request goes, and what its server is chosen by: the same on every way through the gateway. Pure."""

from __future__ import annotations

from collections.abc import Callable

from gateway.exchange import Exchange
from gateway.proxy.canary import goes_to_canary, steady_draw

KeyRule = Callable[[Exchange], bytes]
"""What `balance: hash` goes by, of one request. Empty: nothing, any server will do."""

_HEADER = "header:"


def settle(exchange: Exchange) -> None:
    """Chooses between a route's upstream and its canary's; from then on the exchange's route leads there.

    Called once the caller is known, and before anything is made that goes upstream.
    """
    canary = exchange.route.canary
    if canary is None:
        return
    wish = None if canary.header is None else exchange.request.value(canary.header)
    # The upstream's name is in it so that the same callers are not the first with every novelty.
    key = canary.route.upstream_name.encode() + b"\0" + by_client(exchange)
    if goes_to_canary(canary, wish, steady_draw(key)):
        exchange.route = canary.route


def hash_key(exchange: Exchange) -> bytes:
    """What the upstream's server is chosen by; empty where it is not chosen by the request."""
    rule: KeyRule | None = exchange.route.key_rule
    return b"" if rule is None else rule(exchange)


def key_rule(hash_by: str) -> KeyRule:
    """The rule that gateway.yaml names: `client`, `path` or `header:NAME`."""
    if hash_by == "path":
        return by_path
    if hash_by.startswith(_HEADER):
        return by_header(hash_by.removeprefix(_HEADER))
    return by_client


def by_client(exchange: Exchange) -> bytes:
    """The token's client; where there is no token, the caller's address."""
    caller = exchange.caller
    return (exchange.request.peer.address if caller is None else caller.client).encode()


def by_path(exchange: Exchange) -> bytes:
    """The path as it came, without the query."""
    return exchange.request.path


def by_header(name: str) -> KeyRule:
    """The first value of a header."""
    lower = name.lower().encode()
    return lambda exchange: exchange.request.value(lower) or b""
