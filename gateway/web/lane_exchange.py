"""One request in the fast lane: what happens from its bytes to the last byte of its answer."""

from __future__ import annotations

import asyncio

from gateway.exchange import Answer, ForwardHead
from gateway.faults import BODY_TOO_LARGE, Fault
from gateway.oauth.bearer import NOTHING, Presented, Refusal, judge
from gateway.oauth.confirmation import proven_by
from gateway.oauth.values import TokenFacts
from gateway.proxy.destination import hash_key, settle
from gateway.proxy.headers import identity_headers
from gateway.proxy.opening import Opening
from gateway.proxy.pipeline import authorize, forward_head, head_bytes, run_now
from gateway.proxy.refused import Prepared, prepared, refused
from gateway.tokens.guard import Unknown
from gateway.upstream import Upstream
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import UpstreamRequest
from gateway.web.lane_answer import LaneAnswer
from gateway.web.ledger import CALLER_LEFT


class LaneExchange(LaneAnswer):
    """One request in the lane, from its bytes to the last byte of its answer."""

    __slots__ = ("_task",)

    def begin(self, opening: Opening, body: bytes, facts: TokenFacts | Refusal | Unknown | None) -> None:
        """Goes through the phases until the upstream is asked, or an answer is there.

        Where the token's facts are unknown, the store is asked first; nothing else waits here.
        """
        exchange = self._exchange
        self._desk.ledger.telemetry.in_flight += 1
        refusal = None
        try:
            answer = self._arrive(len(body))
            if answer is None:
                if exchange.request is not opening.head:
                    return self._begin_anew(body)
                # A plugin may have found out who calls.
                if type(facts) is Unknown and exchange.caller is None:
                    return self._ask_token(opening, body)
                refusal = self._judge(facts)
        except Exception as error:  # whatever a plugin raises ends the request: a broken guard lets nobody in
            self._refuse(error)
        else:
            if answer is None:
                self._go_on(opening, body, refusal)
            else:
                self._answer(answer, close=False)

    def _arrive(self, size: int) -> Answer | None:
        exchange = self._exchange
        answer = run_now(exchange.route.pipeline.on_request, exchange)
        if answer is None and exchange.max_body is not None and size > exchange.max_body:
            raise Fault(BODY_TOO_LARGE, close=True)
        return answer

    # Who calls, and whether it is let in.

    def _judge(self, facts: TokenFacts | Refusal | Unknown | None) -> Refusal | None:
        """Why the caller is not let in; where it is, the exchange has it from now on."""
        exchange = self._exchange
        route, caller, proven = exchange.route, exchange.caller, NOTHING
        if not route.protected:
            return None
        if caller is None:
            if not isinstance(facts, TokenFacts):
                return facts if isinstance(facts, Refusal) else Refusal.INVALID
            caller = facts
            if facts.cnf:
                proven = proven_by(facts.cnf, exchange.request.peer.certificate, None)
        refusal = judge(caller, route.scopes, route.audience, self._desk.clock(), proven)
        if refusal is None:
            exchange.caller = caller
        return refusal

    def _ask_token(self, opening: Opening, body: bytes) -> None:
        presented = opening.block.token
        assert isinstance(presented, Presented)  # noqa: S101 (for mypy: only of one can the facts be unknown)
        self._desk.ask_token(presented.token, lambda facts: self._heard(opening, body, facts))

    def _heard(self, opening: Opening, body: bytes, facts: TokenFacts | BaseException | None) -> None:
        """All is known of the token that there is to know, or why it can't be."""
        if self.over:
            return
        try:
            if isinstance(facts, BaseException):
                raise facts
            refusal = self._judge(facts)
        except Exception as error:  # as in begin
            self._refuse(error)
        else:
            self._go_on(opening, body, refusal)

    def _begin_anew(self, body: bytes) -> None:
        """A plugin has put another request in the place of the caller's: nothing that was known of that
        holds for it, its token least of all.
        """
        self._task = asyncio.get_running_loop().create_task(self._judge_anew(body))

    async def _judge_anew(self, body: bytes) -> None:
        desk = self._desk
        try:
            refusal = await authorize(self._exchange, desk.find_token, desk.clock(), desk.prove)
        except Exception as error:  # as in begin
            if not self.over:
                self._refuse(error)
        else:
            if not self.over:
                self._go_on(None, body, refusal)

    # On to the upstream.

    def _go_on(self, opening: Opening | None, body: bytes, refusal: Refusal | None) -> None:
        """The caller is judged. `opening`: the request's, unless a plugin has put another in its place."""
        exchange = self._exchange
        request, hooks = exchange.request, exchange.route.pipeline.on_authorized
        answer: Answer | Prepared | None = None
        try:
            if refusal is not None:
                answer = self._turned_away(refusal)
            elif hooks:
                answer = run_now(hooks, exchange)
            if answer is None:
                answer = self._ask(opening if exchange.request is request else None, body)
        except Exception as error:  # as in begin
            self._refuse(error)
        else:
            if answer is None:
                return
            if isinstance(answer, Prepared):
                self._turn_away(answer)
            else:
                self._answer(answer, close=False)

    def _turned_away(self, refusal: Refusal) -> Prepared:
        route, realm = self._exchange.route, self._desk.realm
        if self._exchange.request.method == "HEAD":
            raise refused(refusal, route, realm)
        return prepared(refusal, route, realm)

    def _ask(self, opening: Opening | None, body: bytes) -> Answer | None:
        exchange = self._exchange
        if exchange.route.canary is not None:
            settle(exchange)
        hooks = exchange.route.pipeline.on_forward
        if opening is not None and not hooks:
            start = opening.start_for(exchange.route)
            self._send(opening.upstream_head(start, exchange), start.method, body)
            return None
        exchange.forward = self._forward_head(opening)
        answer = run_now(hooks, exchange)
        if answer is None:
            self._send(head_bytes(exchange.forward, b""), exchange.forward.method, body)
        return answer

    def _forward_head(self, opening: Opening | None) -> ForwardHead:
        exchange = self._exchange
        if opening is None:
            return forward_head(exchange)
        start = opening.start_for(exchange.route)
        told = identity_headers(exchange.request, exchange.request_id, exchange.caller)
        return ForwardHead(start.method, start.target, start.headers + told)

    def _send(self, head: bytes, method: str, body: bytes) -> None:
        exchange, route = self._exchange, self._exchange.route
        upstream: Upstream = route.upstream
        timeouts = upstream.settings.timeouts
        request = UpstreamRequest(
            head + body if body else head,
            method,
            timeouts if exchange.patience is None else timeouts.for_one(exchange.patience),
            key=b"" if route.key_rule is None else hash_key(exchange),
        )
        try:
            self._call = upstream.begin(self, request)
        except UpstreamError as error:
            self._desk.ledger.upstream_failed(exchange, error)
            raise

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
        if self.over:
            return
        if self._call is not None:
            self._call.abort()
        self._status = CALLER_LEFT
        self._finish(keep=False)
