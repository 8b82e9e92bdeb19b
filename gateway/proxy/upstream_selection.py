"""Which upstream a request goes to, and what its server is chosen by. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.http.exchange import Exchange
from gateway.proxy.canary import goes_to_canary, steady_draw

HashRule = Callable[[Exchange], bytes]
"""What `balance: hash` goes by, of one request. Empty: nothing, any server will do."""

_HEADER: Final = "header:"


def choose_canary(exchange: Exchange) -> None:
    """Chooses between a route's upstream and its canary's; from then on the exchange's route leads there.

    Called once the client is known, and before anything is made that goes upstream.
    """
    canary = exchange.route.canary
    if canary is None:
        return
    wish = None if canary.header is None else exchange.request.value(canary.header)
    # The upstream's name is in it so that the same clients are not the first in every canary release.
    key = canary.route.upstream_name.encode() + b"\0" + by_client(exchange)
    if goes_to_canary(canary, wish, steady_draw(key)):
        exchange.route = canary.route


def hash_key(exchange: Exchange) -> bytes:
    """What the upstream's server is chosen by; empty where it is not chosen by the request."""
    rule: HashRule | None = exchange.route.hash_rule
    return b"" if rule is None else rule(exchange)


def hash_rule(hash_by: str) -> HashRule:
    """The rule that gateway.yaml names: `client`, `path` or `header:NAME`."""
    if hash_by == "path":
        return by_path
    if hash_by.startswith(_HEADER):
        return by_header(hash_by.removeprefix(_HEADER))
    return by_client


def by_client(exchange: Exchange) -> bytes:
    """The token's client; where there is no token, the client's address."""
    token = exchange.token
    return (exchange.request.peer.address if token is None else token.client).encode()


def by_path(exchange: Exchange) -> bytes:
    """The path as it came, without the query."""
    return exchange.request.path


def by_header(name: str) -> HashRule:
    """The first value of a header."""
    lower = name.lower().encode()
    return lambda exchange: exchange.request.value(lower) or b""
