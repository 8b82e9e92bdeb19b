"""The fast lane: plain requests answered where their bytes arrive, without a task or a wait.

It serves what waits for nothing but the upstream, and perhaps for the store's word on the token: a whole head
of the plainest shape, a body that is here, hooks that are plain functions. All else goes to aiohttp with the
bytes untouched. Rules, plugins and answers are the same as there: only the way to them is shorter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.exchange import Exchange
from gateway.oauth.bearer import Presented, Refusal
from gateway.oauth.values import TokenFacts
from gateway.proxy.forwarded import real_peer
from gateway.proxy.opening import Opening
from gateway.tokens.guard import Guard, Unknown
from gateway.web.desk import ProxyDesk
from gateway.web.lane_answer import Caller
from gateway.web.lane_exchange import LaneExchange
from gateway.web.lane_token import TOKEN_REQUESTS, TokenLane


class Going(Protocol):
    """A request that the lane has taken, as its connection sees it."""

    over: bool
    """Whether the answer is out."""

    def pause(self) -> None:
        """The caller takes no more for now."""

    def resume(self) -> None:
        """The caller takes more."""

    def caller_left(self) -> None:
        """Ends it at once."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What the lane works with. Made once for a configuration."""

    desk: ProxyDesk
    guard: Guard
    trusted: Callable[[str], bool]
    new_id: Callable[[], str]
    read: Callable[[bytes], Opening | None]
    """Reads a request's head (`gateway.proxy.opening.openings`)."""
    token: TokenLane | None = None
    """What is asked of the token endpoint; None: that is not for the lane."""

    def take(self, data: bytes, caller: Caller) -> Going | None:
        """Begins to answer the request that `data` is; None: it is not for the lane, and nothing was done.

        It may be over when this returns.
        """
        if data.startswith(TOKEN_REQUESTS) and self.token is not None:
            return self.token.take(data, caller)
        end = data.find(b"\r\n\r\n") + 4
        opening = self.read(data[:end])
        if opening is None:
            return None
        block, route, desk, length = opening.block, opening.route, self.desk, len(data) - end
        # It must be whole, and nothing may follow it.
        if length != block.length or length > desk.max_body:
            return None
        facts: TokenFacts | Refusal | Unknown | None = None
        if route.protected:
            facts = self._facts(block.token, route.issuers)
            # Not `isinstance`, which takes longer where the class is an enumeration.
            if type(facts) is Unknown and facts is not Unknown.STORE:
                return None
        peer = real_peer(caller.peer, block.headers, self.trusted)
        exchange = Exchange(opening.head_from(peer), route, self.new_id())
        if block.last:
            caller.close_after()
        going = LaneExchange(desk, exchange, caller)
        going.begin(opening, data[end:], facts)
        return going

    def _facts(
        self, token: Presented | Refusal, issuers: frozenset[str]
    ) -> TokenFacts | Refusal | Unknown | None:
        """What is known of the request's token. Where more than the store would have to be asked, and where
        the answer depends on the scheme that the token came with, the request is not for the lane.
        """
        if isinstance(token, Presented):
            return Unknown.KEYS if token.dpop else self.guard.known(token.token, issuers)
        return Unknown.KEYS if token is Refusal.MALFORMED else token
