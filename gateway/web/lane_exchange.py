"""One request in the fast lane: what happens from its bytes to the last byte of its answer."""

from __future__ import annotations

from gateway.exchange import Answer
from gateway.faults import BODY_TOO_LARGE, Fault
from gateway.oauth.bearer import Refusal, judge
from gateway.oauth.values import TokenFacts
from gateway.proxy.destination import hash_key, settle
from gateway.proxy.headers import identity_lines
from gateway.proxy.pipeline import forward_head, head_bytes, run_now
from gateway.proxy.plain import Plain
from gateway.proxy.routes import upstream_target
from gateway.upstream import Upstream
from gateway.upstream.errors import UpstreamError
from gateway.web.bearer import refused
from gateway.web.lane_answer import LaneAnswer
from gateway.web.ledger import CALLER_LEFT


class LaneExchange(LaneAnswer):
    """One request in the lane, from its bytes to the last byte of its answer."""

    __slots__ = ()

    def begin(self, plain: Plain, facts: TokenFacts | Refusal | None) -> None:
        """Goes through the phases until the upstream is asked, or an answer is there."""
        self._desk.ledger.telemetry.in_flight += 1
        try:
            answer = self._admit(plain, facts) or self._ask(plain)
        except Exception as error:  # whatever a plugin raises ends the request: a broken guard lets nobody in
            self._refuse(error)
        else:
            if answer is not None:
                self._answer(answer, close=False)

    def _admit(self, plain: Plain, facts: TokenFacts | Refusal | None) -> Answer | None:
        exchange, desk = self._exchange, self._desk
        hooks, route = exchange.route.pipeline, exchange.route
        answer = run_now(hooks.on_request, exchange)
        if answer is not None:
            return answer
        if exchange.max_body is not None and len(plain.body) > exchange.max_body:
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
                raise refused(refusal, route, desk.realm)
            exchange.caller = facts if isinstance(facts, TokenFacts) else None
        return run_now(hooks.on_authorized, exchange)

    def _ask(self, plain: Plain) -> Answer | None:
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
            wire = self._plain_head(plain)
        upstream: Upstream = route.upstream
        try:
            self._call = upstream.begin(
                self,
                wire + plain.body if plain.body else wire,
                plain.method,
                key=hash_key(exchange),
                timeouts=upstream.settings.timeouts.for_one(exchange.patience),
            )
        except UpstreamError as error:
            self._desk.ledger.upstream_failed(exchange, error)
            raise
        return None

    def _plain_head(self, plain: Plain) -> bytes:
        """The same bytes that `forward_head` and `head_bytes` make, from what the block has ready."""
        exchange, block = self._exchange, plain.block
        lines = block.lines_with_token if exchange.route.forward_token else block.lines
        added = identity_lines(exchange.request, exchange.request_id, exchange.caller)
        target = upstream_target(exchange.route, exchange.request)
        return b"%s %s HTTP/1.1\r\n%s%s\r\n" % (plain.method.encode(), target, lines, added)

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
