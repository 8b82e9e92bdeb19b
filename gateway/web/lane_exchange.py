"""One request in the fast lane: what happens from its bytes to the last byte of its answer."""

from __future__ import annotations

from gateway.exchange import Answer
from gateway.faults import BODY_TOO_LARGE, Fault
from gateway.oauth.bearer import Refusal, judge
from gateway.oauth.values import TokenFacts
from gateway.proxy.destination import hash_key, settle
from gateway.proxy.headers import identity_lines
from gateway.proxy.opening import Opening
from gateway.proxy.pipeline import forward_head, head_bytes, run_now
from gateway.proxy.refused import Prepared, prepared, refused
from gateway.upstream import Upstream
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import UpstreamRequest
from gateway.web.lane_answer import LaneAnswer
from gateway.web.ledger import CALLER_LEFT


class LaneExchange(LaneAnswer):
    """One request in the lane, from its bytes to the last byte of its answer."""

    __slots__ = ()

    def begin(self, opening: Opening, body: bytes, facts: TokenFacts | Refusal | None) -> None:
        """Goes through the phases until the upstream is asked, or an answer is there."""
        self._desk.ledger.telemetry.in_flight += 1
        try:
            answer = self._admit(len(body), facts) or self._ask(opening, body)
        except Exception as error:  # whatever a plugin raises ends the request: a broken guard lets nobody in
            self._refuse(error)
        else:
            if isinstance(answer, Prepared):
                self._turn_away(answer)
            elif answer is not None:
                self._answer(answer, close=False)

    def _admit(self, size: int, facts: TokenFacts | Refusal | None) -> Answer | Prepared | None:
        exchange, desk = self._exchange, self._desk
        hooks, route = exchange.route.pipeline, exchange.route
        answer = run_now(hooks.on_request, exchange)
        if answer is not None:
            return answer
        if exchange.max_body is not None and size > exchange.max_body:
            raise Fault(BODY_TOO_LARGE, close=True)
        if route.protected:
            # A plugin may have found out who calls.
            facts = exchange.caller or facts
            refusal = (
                facts
                if isinstance(facts, Refusal)
                else judge(facts, route.scopes, route.audience, desk.clock())
            )
            if refusal is not None:
                if exchange.request.method == "HEAD":
                    raise refused(refusal, route, desk.realm)
                return prepared(refusal, route, desk.realm)
            exchange.caller = facts if isinstance(facts, TokenFacts) else None
        return run_now(hooks.on_authorized, exchange)

    def _ask(self, opening: Opening, body: bytes) -> Answer | None:
        exchange = self._exchange
        settle(exchange)
        route = exchange.route
        hooks = route.pipeline.on_forward
        if hooks or route.host_header is not None:
            exchange.forward = forward_head(exchange)
            answer = run_now(hooks, exchange)
            if answer is not None:
                return answer
            wire = head_bytes(exchange.forward, b"")
        else:
            # The same bytes that `forward_head` and `head_bytes` make, from what is ready.
            told = identity_lines(exchange.request, exchange.request_id, exchange.caller)
            wire = b"%s%s\r\n" % (opening.start_for(route), told)
        upstream: Upstream = route.upstream
        request = UpstreamRequest(
            wire + body if body else wire,
            exchange.request.method,
            upstream.settings.timeouts.for_one(exchange.patience),
            key=hash_key(exchange),
        )
        try:
            self._call = upstream.begin(self, request)
        except UpstreamError as error:
            self._desk.ledger.upstream_failed(exchange, error)
            raise
        return None

    # What the connection tells.

    def pause(self) -> None:
        """The caller takes no more for now."""
        if self._call is not None:
            self._call.pause_reading()

    def resume(self) -> None:
        """The caller takes more."""
        if self._call is not None:
            self._call.resume_reading()

    def caller_left(self) -> None:
        """Ends the exchange with the upstream at once."""
        if self._over:
            return
        if self._call is not None:
            self._call.abort()
        self._status = CALLER_LEFT
        self._finish(keep=False)
