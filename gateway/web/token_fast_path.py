"""The token endpoint's fast path: the same steps and responses as through aiohttp, without aiohttp.

A token that this worker can give out again is answered while its request's bytes are being received, and a
new one while the store's answer is. A coroutine is made only where a step waits for anything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.http.endpoints import TOKEN, GatewayPaths
from gateway.http.exchange import Peer, Response
from gateway.http.forwarded import real_peer
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.problems import SLOW_REQUEST, Problem
from gateway.http.responses import problem_response, response_bytes
from gateway.oauth.errors import OAuthError
from gateway.oauth_flows.client_request import Step, start_steps
from gateway.oauth_flows.token import DECIDING, STEPS, TokenRequestState, TokenServices
from gateway.proxy.simple_request import HeaderBlock, SimpleRequest, parse_simple_request
from gateway.runtime.lazy_reply import LazyReply
from gateway.server.eager import Running, report_failure, run_eagerly
from gateway.server.in_flight import ClientWriter
from gateway.web.error_responses import to_logged_problem
from gateway.web.known_token_requests import KnownTokenRequests
from gateway.web.oauth_endpoints import MAX_FORM, OAuthEndpoints
from gateway.web.oauth_responses import (
    GRANTED,
    ISSUE,
    dpop_nonce,
    error_response,
    store_unavailable,
    token_body,
)
from gateway.web.request_recorder import CLIENT_DISCONNECTED, OtherFacts, RequestRecorder, client_of

_HTTP_1_1: Final = (1, 1)


@dataclass(frozen=True, slots=True)
class TokenFastPath:
    """What the fast path needs. Made once for a configuration."""

    endpoints: OAuthEndpoints
    recorder: RequestRecorder
    trusted: Callable[[str], bool]
    new_id: Callable[[], str]
    clock: Clock
    starts: tuple[bytes, ...]
    """How requests for the endpoint start (`request_starts`)."""
    limits: RequestHeadLimits = DEFAULT_LIMITS
    known: KnownTokenRequests = field(default_factory=KnownTokenRequests)

    def try_handle(self, data: bytes, client: ClientWriter) -> TokenRequest | None:
        """Begins to answer a request that starts like one of `starts`.

        None: it is left to aiohttp, and nothing was done.
        """
        known = self.known.get(data, self.limits)
        if known is not None:
            request = self._taken(known.block, known.path, client)
            request.call.form, request.call.proof = known.form, known.proof
            request.begin(DECIDING)
            return request
        plain = parse_simple_request(data, self.limits)
        if plain is None or len(plain.body) + plain.missing > MAX_FORM:
            return None
        if plain.block.origin_or_coding or plain.block.expects:
            # What these get is decided in one place (`gateway.web.oauth_endpoints`).
            return None
        request = self._taken(plain.block, plain.path, client)
        call, request.read = request.call, (data, plain)
        call.body, call.query = plain.body, (plain.query or b"").decode("latin-1")
        if plain.missing:
            client.await_body(plain.missing, request)
            request.begin_later()
        else:
            request.begin(STEPS)
        return request

    def _taken(self, block: HeaderBlock, path: bytes, client: ClientWriter) -> TokenRequest:
        peer = real_peer(client.peer, block.headers, self.trusted)
        if block.last:
            client.close_after()
        call = TokenRequestState(
            "",
            block.content_type,
            b"",
            block.authorization,
            peer.address,
            block.proofs,
            peer.certificate,
            block.headers,
            path.decode("latin-1"),
        )
        return TokenRequest(self, client, peer, path, call)


def request_starts(paths: GatewayPaths) -> tuple[bytes, ...]:
    """The first bytes of a request for the token endpoint, at each of its paths."""
    own = [path.encode() for path in paths.with_base(*paths.token)]
    return tuple(b"POST %s%s" % (path, end) for path in own for end in (b" ", b"?"))


class TokenRequest:
    """One request for a token, from its bytes to the last byte of its answer."""

    __slots__ = (
        "_began",
        "_client",
        "_error",
        "_fast_path",
        "_path",
        "_peer",
        "_request_id",
        "_since",
        "_steps",
        "_task",
        "call",
        "finished",
        "read",
    )

    def __init__(
        self, fast_path: TokenFastPath, client: ClientWriter, peer: Peer, path: bytes, call: TokenRequestState
    ) -> None:
        self._fast_path = fast_path
        self._client = client
        self._peer = peer
        self._path = path
        self._error = ""
        self._request_id = fast_path.new_id()
        self._began = perf_counter()
        self._steps: Iterator[Step[TokenRequestState, TokenServices]] = iter(())
        """Those that are left."""
        self._task: Running | None = None
        self._since: float | None = None
        """Since when the rest of its form is awaited; None: it is not."""
        self.call = call
        """What its steps have found."""
        self.read: tuple[bytes, SimpleRequest] | None = None
        """Its bytes, and what was read in them just now; None: that was known."""
        self.finished = False
        """Whether the answer is out."""

    def begin_later(self) -> None:
        """Begins once the rest of the form has come."""
        self._since = asyncio.get_running_loop().time()
        self._fast_path.recorder.telemetry.in_flight += 1

    def body_received(self, data: bytes, missing: int) -> None:
        """The next piece of the form; `missing`: bytes that have not come yet."""
        if self._since is None or self.read is None:
            return
        start, plain = self.read
        plain.body, plain.missing = plain.body + data, missing
        self.read = start + data, plain
        if not missing:
            self._since, self.call.body = None, plain.body
            self._fast_path.recorder.telemetry.in_flight -= 1
            self.begin(STEPS)

    def check_pace(self, now: float) -> None:
        """Ends the request if its form takes too long."""
        endpoints = self._fast_path.endpoints
        if self._since is None or now - self._since < endpoints.body_timeout:
            return
        self._since = None
        error = OAuthError("invalid_request", Problem(SLOW_REQUEST).detail, status=408, close=True)
        self._error = error.error
        if endpoints.refusals is not None:
            endpoints.refusals.oauth(self._path, self._request_id, None, error)
        self._send(error_response(error, endpoints.realm), close=True)

    def begin(self, steps: Iterable[Step[TokenRequestState, TokenServices]]) -> None:
        """Runs the steps; the answer is out when this returns, unless something must be waited for."""
        self._fast_path.recorder.telemetry.in_flight += 1
        self._steps = iter(steps)
        self._go_on()

    def _go_on(self) -> None:
        """Runs the steps that are left, as far as none waits."""
        try:
            waiting = start_steps(self._steps, self.call, self._fast_path.endpoints.services)
            if waiting is None:
                body = self._granted()
            elif isinstance(waiting, LazyReply):
                # No coroutine is made for the usual wait, that for the store.
                waiting.ask(self)
                return
        except Exception as error:  # whatever a plugin raises ends the request: nobody gets a token
            self._task = run_eagerly(self._refuse(error))
            return
        if waiting is None:
            self._send_token(body)
        else:
            self._task = run_eagerly(self._await_step(waiting))

    # What the store calls.

    def done(self) -> bool:
        """Whether nobody wants the token any more."""
        return self.finished

    def set_result(self, result: None) -> None:
        """What a step has waited for is there."""
        try:
            self._go_on()
        except Exception as error:  # the store's connection, which calls this, can do nothing about it
            report_failure(error)

    def set_exception(self, exception: BaseException) -> None:
        """It failed."""
        if isinstance(exception, Exception):
            try:
                self._task = run_eagerly(self._refuse(exception))
            except Exception as error:  # as above
                report_failure(error)

    async def _await_step(self, waiting: Awaitable[None]) -> None:
        try:
            await waiting
        except Exception as error:  # as in `_go_on`
            await self._refuse(error)
        else:
            self._go_on()

    def _granted(self) -> bytes:
        """The body that goes out."""
        call = self.call
        self._fast_path.endpoints.note_granted(call)
        if self.read is not None:
            self._fast_path.known.put(*self.read, call.form, call.proof)
        return token_body(call.answer)

    def _send_token(self, body: bytes) -> None:
        nonce, keep, now = self.call.nonce, not self._client.closing, self._fast_path.clock()
        extra = [] if nonce is None else [dpop_nonce(nonce)]
        self._client.write(GRANTED.message(body, extra, keep_alive=keep, now=now))
        self._finish(GRANTED.status, len(body), keep=keep)

    async def _refuse(self, error: Exception) -> None:
        """Answers with the error; an attempt that has failed is answered later than others."""
        endpoints, call = self._fast_path.endpoints, self.call
        if isinstance(error, OAuthError):
            endpoints.refused(call, error)
            if endpoints.refusals is not None:
                endpoints.refusals.oauth(self._path, self._request_id, call, error)
            if error.delay:
                await asyncio.sleep(error.delay)
        elif isinstance(error, StoreUnavailable):
            error = store_unavailable(error, ISSUE)
        if isinstance(error, OAuthError):
            self._error = error.error
            self._send(error_response(error, endpoints.realm))
        else:
            problem = to_logged_problem(error)
            self._error = problem.kind.code
            self._send(problem_response(problem, self._request_id), close=problem.close)

    def _send(self, answer: Response, *, close: bool = False) -> None:
        keep = not (close or self._client.closing)
        now = self._fast_path.clock()
        self._client.write(
            response_bytes(answer, [], method="POST", version=_HTTP_1_1, keep_alive=keep, now=now)
        )
        self._finish(answer.status, len(answer.body), keep=keep)

    def _finish(self, status: int, size: int, *, keep: bool) -> None:
        self.finished = True
        recorder = self._fast_path.recorder
        recorder.telemetry.in_flight -= 1
        seconds = perf_counter() - self._began
        address, client = self._peer.address, client_of(self.call)
        facts = OtherFacts(self.call.headers, self._peer.version or _HTTP_1_1, self.call, self._error)
        recorder.other(
            TOKEN, "POST", self._path, address, self._request_id, status, size, seconds, client, facts
        )
        self._client.request_finished(keep=keep)

    # What the client connection calls.

    def pause(self) -> None:
        """The response is small and was written in one piece."""

    def resume(self) -> None:
        """As above."""

    def end_stream(self, *, at_once: bool) -> None:
        """As above."""

    def client_disconnected(self) -> None:
        """Cancels what is still running."""
        if self.finished:
            return
        # As in `ResponseWriter`.
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        self._finish(CLIENT_DISCONNECTED, 0, keep=False)
