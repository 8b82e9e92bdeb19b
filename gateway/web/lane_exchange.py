"""One request in the fast lane: what happens from its bytes to the last byte of its answer."""

from __future__ import annotations

from gateway.exchange import Answer, ForwardHead
from gateway.faults import BODY_TOO_LARGE, Fault
from gateway.oauth.bearer import NOTHING, Presented, Refusal, judge
from gateway.oauth.confirmation import proven_by
from gateway.oauth.values import TokenFacts
from gateway.proxy.destination import hash_key, settle
from gateway.proxy.headers import identity_headers, identity_lines
from gateway.proxy.opening import Opening
from gateway.proxy.pipeline import head_bytes, run_now
from gateway.proxy.refused import Prepared, prepared, refused
from gateway.proxy.routes import Route
from gateway.tokens.guard import Unknown
from gateway.upstream import Upstream
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import UpstreamRequest
from gateway.web.lane_answer import LaneAnswer
from gateway.web.ledger import CALLER_LEFT


class LaneExchange(LaneAnswer):
    """One request in the lane, from its bytes to the last byte of its answer."""

    __slots__ = ()

    def begin(self, opening: Opening, body: bytes, facts: TokenFacts | Refusal | Unknown | None) -> None:
        """Goes through the phases until the upstream is asked, or an answer is there.

        Where the token's facts are unknown, the store is asked first; nothing else waits here.
        """
        self._desk.ledger.telemetry.in_flight += 1
        try:
            answer = self._arrive(len(body))
            # A plugin may have found out who calls.
            if answer is None and isinstance(facts, Unknown) and self._exchange.caller is None:
                return self._ask_token(opening, body)
        except Exception as error:  # whatever a plugin raises ends the request: a broken guard lets nobody in
            self._refuse(error)
        else:
            if answer is None:
                self._go_on(opening, body, None if isinstance(facts, Unknown) else facts)
            else:
                self._answer(answer, close=False)

    def _go_on(
        self, opening: Opening, body: bytes, facts: TokenFacts | Refusal | BaseException | None
    ) -> None:
        """All is known of the token that there is to know, or why it can't be."""
        if self._over:
            return
        try:
            if isinstance(facts, BaseException):
                raise facts
            answer = self._admit(facts) or self._ask(opening, body)
        except Exception as error:  # as in begin
            self._refuse(error)
        else:
            if isinstance(answer, Prepared):
                self._turn_away(answer)
            elif answer is not None:
                self._answer(answer, close=False)

    def _ask_token(self, opening: Opening, body: bytes) -> None:
        presented = opening.block.token
        assert isinstance(presented, Presented)  # noqa: S101 (for mypy: only of one can the facts be unknown)
        self._desk.ask_token(presented.token, lambda facts: self._go_on(opening, body, facts))

    def _arrive(self, size: int) -> Answer | None:
        exchange = self._exchange
        answer = run_now(exchange.route.pipeline.on_request, exchange)
        if answer is None and exchange.max_body is not None and size > exchange.max_body:
            raise Fault(BODY_TOO_LARGE, close=True)
        return answer

    def _admit(self, facts: TokenFacts | Refusal | None) -> Answer | Prepared | None:
        exchange, desk = self._exchange, self._desk
        hooks, route = exchange.route.pipeline, exchange.route
        if route.protected:
            refusal = self._refusal(route, facts)
            if refusal is not None:
                if exchange.request.method == "HEAD":
                    raise refused(refusal, route, desk.realm)
                return prepared(refusal, route, desk.realm)
        return run_now(hooks.on_authorized, exchange) if hooks.on_authorized else None

    def _refusal(self, route: Route, facts: TokenFacts | Refusal | None) -> Refusal | None:
        """Why the caller is not let in; where it is, the exchange has it from now on."""
        exchange = self._exchange
        # A plugin may have found out who calls.
        by_token = exchange.caller is None
        facts = facts if by_token else exchange.caller
        if isinstance(facts, Refusal):
            return facts
        proven = NOTHING
        if by_token and facts is not None and facts.cnf:
            proven = proven_by(facts.cnf, exchange.request.peer.certificate, None)
        refusal = judge(facts, route.scopes, route.audience, self._desk.clock(), proven)
        if refusal is None:
            exchange.caller = facts
        return refusal

    def _ask(self, opening: Opening, body: bytes) -> Answer | None:
        exchange = self._exchange
        if exchange.route.canary is not None:
            settle(exchange)
        route = exchange.route
        start, hooks = opening.start_for(route), route.pipeline.on_forward
        # The same bytes that `forward_head` and `head_bytes` make, from what is ready.
        if hooks:
            told = identity_headers(exchange.request, exchange.request_id, exchange.caller)
            exchange.forward = ForwardHead(exchange.request.method, start.target, start.headers + told)
            answer = run_now(hooks, exchange)
            if answer is not None:
                return answer
            wire = head_bytes(exchange.forward, b"")
        else:
            lines = identity_lines(exchange.request, exchange.request_id, exchange.caller)
            wire = b"%s%s\r\n" % (start.lines, lines)
        upstream: Upstream = route.upstream
        timeouts = upstream.settings.timeouts
        request = UpstreamRequest(
            wire + body if body else wire,
            exchange.request.method,
            timeouts if exchange.patience is None else timeouts.for_one(exchange.patience),
            key=b"" if route.key_rule is None else hash_key(exchange),
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
