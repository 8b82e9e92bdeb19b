"""The token endpoint in the fast lane: the same steps and answers as through aiohttp.

What this worker knows by itself is answered where the request's bytes arrive. Where something must be waited
for, the store above all, a task takes the steps that are left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from gateway.clock import Clock
from gateway.endpoints import TOKEN
from gateway.errors import StoreUnavailable
from gateway.exchange import Answer, Peer
from gateway.oauth.errors import OAuthError
from gateway.proxy.answers import answer_bytes, fault_answer
from gateway.proxy.forwarded import real_peer
from gateway.proxy.plain import read_plain
from gateway.steps.client_call import Left, walk_now, walk_on
from gateway.steps.token import STEPS, TokenCall, TokenDesk
from gateway.web.faults import logged_fault
from gateway.web.lane_answer import Caller
from gateway.web.ledger import CALLER_LEFT, Ledger
from gateway.web.oauth_answers import away_answer, error_answer
from gateway.web.token import MAX_FORM, OAuthEndpoints

_HTTP_1_1 = (1, 1)

TOKEN_REQUESTS = (b"POST %s " % TOKEN.encode(), b"POST %s?" % TOKEN.encode())
"""How requests for the endpoint begin."""
_PATH = TOKEN.encode()


@dataclass(frozen=True, slots=True)
class TokenLane:
    """What the endpoint works with in the lane. Made once for a configuration."""

    endpoints: OAuthEndpoints
    ledger: Ledger
    trusted: Callable[[str], bool]
    new_id: Callable[[], str]
    clock: Clock

    def take(self, data: bytes, caller: Caller) -> TokenExchange | None:
        """Begins to answer a request that begins like one of `TOKEN_REQUESTS`.

        None: it is not for the lane, and nothing was done.
        """
        plain = read_plain(data)
        if plain is None or len(plain.body) > MAX_FORM:
            return None
        block = plain.block
        peer = real_peer(caller.peer, block.headers, self.trusted)
        if block.last:
            caller.close_after()
        going = TokenExchange(self, caller, peer, self.new_id())
        going.begin(
            TokenCall(
                "" if plain.query is None else plain.query.decode("latin-1"),
                block.content_type,
                plain.body,
                block.authorization,
                peer.address,
                block.proofs,
                peer.certificate,
            )
        )
        return going


class TokenExchange:
    """One request for a token, from its bytes to the last byte of its answer."""

    __slots__ = ("_began", "_caller", "_lane", "_peer", "_request_id", "_task", "over")

    def __init__(self, lane: TokenLane, caller: Caller, peer: Peer, request_id: str) -> None:
        self._lane = lane
        self._caller = caller
        self._peer = peer
        self._request_id = request_id
        self._began = perf_counter()
        self._task: asyncio.Task[None] | None = None
        self.over = False
        """Whether the answer is out."""

    def begin(self, call: TokenCall) -> None:
        """Takes the steps; the answer is out when this returns, unless something must be waited for."""
        self._lane.ledger.telemetry.in_flight += 1
        endpoints = self._lane.endpoints
        try:
            left = walk_now(STEPS, call, endpoints.desk)
            if left is not None:
                self._task = asyncio.get_running_loop().create_task(self._go_on(left, call))
                return
            answer = endpoints.granted(call)
        except OAuthError as error:
            endpoints.refused(call, error)
            self._refuse(error)
        except Exception as error:  # whatever a plugin raises ends the request: nobody gets a token
            self._refuse(error)
        else:
            self._send(answer)

    async def _go_on(self, left: Left[TokenCall, TokenDesk], call: TokenCall) -> None:
        endpoints = self._lane.endpoints
        try:
            await walk_on(left, call, endpoints.desk)
            answer = endpoints.granted(call)
        except OAuthError as error:
            endpoints.refused(call, error)
            if error.delay:
                await asyncio.sleep(error.delay)
            self._refuse(error)
        except Exception as error:  # as in begin
            self._refuse(error)
        else:
            self._send(answer)

    def _refuse(self, error: Exception) -> None:
        realm = self._lane.endpoints.realm
        if isinstance(error, OAuthError):
            self._send(error_answer(error, realm))
        elif isinstance(error, StoreUnavailable):
            self._send(away_answer(error, realm))
        else:
            fault = logged_fault(error)
            self._send(fault_answer(fault, self._request_id), close=fault.close)

    def _send(self, answer: Answer, *, close: bool = False) -> None:
        keep = not (close or self._caller.closing)
        now = self._lane.clock()
        self._caller.write(
            answer_bytes(answer, [], method="POST", version=_HTTP_1_1, keep_alive=keep, now=now)
        )
        self._finish(answer.status, len(answer.body), keep=keep)

    def _finish(self, status: int, size: int, *, keep: bool) -> None:
        self.over = True
        ledger = self._lane.ledger
        ledger.telemetry.in_flight -= 1
        seconds = perf_counter() - self._began
        ledger.other(TOKEN, "POST", _PATH, self._peer.address, self._request_id, status, size, seconds)
        self._caller.lane_done(keep=keep)

    # What the connection tells.

    def pause(self) -> None:
        """The answer is small, and goes out whole."""

    def resume(self) -> None:
        """As above."""

    def caller_left(self) -> None:
        """Nobody waits for the token any more."""
        if self.over:
            return
        if self._task is not None:
            self._task.cancel()
        self._finish(CALLER_LEFT, 0, keep=False)
