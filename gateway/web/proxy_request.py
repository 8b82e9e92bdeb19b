"""One request on the fast path: its phases, its response, and its entry in the access log."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable
from time import perf_counter

from gateway.http.exchange import Response
from gateway.http.responses import problem_response, response_bytes
from gateway.oauth.bearer import AuthError
from gateway.proxy.access import AccessQuestion
from gateway.proxy.challenges import auth_problem, prepared_challenge, scheme_of
from gateway.proxy.phases import Admission, admit, forward, forward_chunked, forward_whole
from gateway.proxy.pipeline import run_hooks
from gateway.proxy.request_cache import CachedRequest
from gateway.server.eager import report_failure, run_eagerly
from gateway.server.in_flight import ClientWriter
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import UpstreamRequest
from gateway.web.error_responses import to_logged_problem
from gateway.web.request_recorder import CLIENT_DISCONNECTED
from gateway.web.response_writer import ResponseWriter

log = logging.getLogger("gatepost")

Outcome = UpstreamRequest | Response | AuthError
"""What the phases come to: what goes upstream, or why nothing does."""


class ProxyRequest(ResponseWriter[ClientWriter]):
    """One request on the fast path. A task is made only where a phase or a hook has to wait."""

    __slots__ = ("_began", "finished")

    _began: float

    finished: bool
    """Whether the request is over, and the connection knows."""

    def begin(self, cached: CachedRequest, body: bytes) -> None:
        """Runs the phases until the upstream has been asked, an answer is out, or a phase waits."""
        self._began = perf_counter()
        self.finished = False
        self._services.recorder.telemetry.in_flight += 1
        exchange, services, chunked = self._exchange, self._services, cached.framing.length is None
        try:
            outcome: Outcome | Awaitable[Outcome]
            # Of a chunked body the size is not known beforehand.
            admission = admit(exchange, services, 0 if chunked else len(body), cached)
            if admission is None and not chunked:
                outcome = forward_whole(exchange, body, cached) if body else forward(exchange, body, cached)
            elif admission is None:
                outcome = forward_chunked(exchange, services, body, cached)
            # Not `isinstance`, which takes longer where the class is an enumeration.
            elif type(admission) is AuthError or isinstance(admission, Response):
                outcome = admission
            elif isinstance(admission, AccessQuestion):
                self._task = admission
                admission.ask(_Admission(self, cached, body))
                return
            else:
                self._task = run_eagerly(self._await_admission(admission, cached, body))  # type: ignore[arg-type]  # no AuthError
                return
        except Exception as error:  # whatever a plugin raises ends the request: a broken guard lets nobody in
            self._refuse(error)
        else:
            self._go_on(outcome, cached)

    def _go_on(self, outcome: Outcome | Awaitable[Outcome], cached: CachedRequest | None = None) -> None:
        """Does what the phases have come to. `cached`: what is known of requests with the same head."""
        if isinstance(outcome, UpstreamRequest):
            self._send(outcome)
        elif type(outcome) is AuthError:
            self._challenge(outcome, cached)
        elif isinstance(outcome, Response):
            self._answer(outcome, close=False)
        else:
            self._task = run_eagerly(self._await_phases(outcome))  # type: ignore[arg-type]  # no AuthError

    def admitted(self, refusal: AuthError | None, cached: CachedRequest, body: bytes) -> None:
        """Goes on when it is known whether the client may call the route."""
        try:
            outcome = self._forward_later(cached, body) if refusal is None else refusal
        except Exception as error:  # as in `begin`
            self._refuse(error)
        else:
            self._go_on(outcome)

    def not_admitted(self, error: BaseException) -> None:
        """Refuses the request, as nobody can say so."""
        self._refuse(error if isinstance(error, Exception) else RuntimeError("the question was given up"))

    async def _await_admission(
        self, waiting: Awaitable[Admission], cached: CachedRequest, body: bytes
    ) -> None:
        try:
            outcome: Outcome | None = await waiting
            if outcome is None:
                following = self._forward_later(cached, body)
                if not isinstance(following, UpstreamRequest | Response):
                    following = await following
                outcome = following
        except Exception as error:  # as in `begin`
            self._refuse(error)
        else:
            self._go_on(outcome)

    def _forward_later(
        self, cached: CachedRequest, body: bytes
    ) -> UpstreamRequest | Response | Awaitable[UpstreamRequest | Response]:
        if cached.framing.length is None:
            return forward_chunked(self._exchange, self._services, body, cached)
        return forward_whole(self._exchange, body, cached)

    async def _await_phases(self, waiting: Awaitable[Outcome]) -> None:
        try:
            outcome = await waiting
        except Exception as error:  # as in `begin`
            self._refuse(error)
        else:
            self._go_on(outcome)

    def _send(self, request: UpstreamRequest) -> None:
        try:
            self._call = self._exchange.route.upstream.begin(self, request)
        except Exception as error:
            if isinstance(error, UpstreamError):
                self._services.recorder.upstream_failed(self._exchange, error)
            self._refuse(error)

    def pause_writing(self) -> None:
        """Nothing: the whole body went with the head."""

    def resume_writing(self) -> None:
        """Nothing, as above."""

    def client_disconnected(self) -> None:
        """Ends the request at once."""
        if self._done:
            return
        self._give_up()
        self._held = None
        self._status = CLIENT_DISCONNECTED
        self._finish(keep=False)

    # The gateway's own answers.

    def _refuse(self, error: Exception) -> None:
        problem = to_logged_problem(error)
        if not self._done:
            self._services.refusals.problem(self._exchange, problem)
        self._answer(problem_response(problem, self._exchange.request_id), close=problem.close)

    def _answer(self, answer: Response, *, close: bool) -> None:
        if self._done:
            return
        exchange = self._exchange
        request = exchange.request
        self._status, self._size = answer.status, len(answer.body)
        self._keep = not (close or self._client.closing)
        self._client.write(
            response_bytes(
                answer,
                exchange.added_response_headers,
                method=request.method,
                version=request.version,
                keep_alive=self._keep,
                now=self._services.clock(),
            )
        )
        self._finish(keep=self._keep)

    def _challenge(self, refusal: AuthError, cached: CachedRequest | None = None) -> None:
        exchange, realm = self._exchange, self._services.realm
        request, route = exchange.request, exchange.route
        if request.method == "HEAD":
            self._refuse(auth_problem(refusal, route, realm, scheme=scheme_of(request)))
            return
        self._services.refusals.unauthorized(exchange, refusal)
        if cached is not None and cached.head is not request:
            cached = None  # a plugin has put another in its place
        last = None if cached is None else cached.challenge
        if last is not None and last[0] is refusal:
            answer = last[1]
        else:
            answer = prepared_challenge(refusal, route, realm, scheme_of(request))
            if cached is not None:
                # Who is refused sends the same again and again.
                cached.challenge = refusal, answer
        body = answer.body(exchange.request_id)
        self._status, self._size = answer.status, len(body)
        self._keep = not self._client.closing
        extra, now = exchange.added_response_headers, self._services.clock()
        self._client.write(answer.message(body, extra, keep_alive=self._keep, now=now))
        self._finish(keep=self._keep)

    # How it ends.

    def _finish(self, *, keep: bool) -> None:
        self._done, self._call = True, None
        if self._token_end is not None:
            self._stop_waiting()
        self._services.recorder.telemetry.in_flight -= 1
        hooks = self._exchange.route.pipeline.on_finish
        if hooks:
            try:
                waiting = run_hooks(hooks, self._exchange)
            except Exception:
                # The response is out: all that is left is to say so.
                log.exception("a plugin failed in on_finish")
            else:
                if inspect.isawaitable(waiting):
                    self._task = run_eagerly(self._record_later(waiting, keep=keep))
                    return
        self._record(keep=keep)

    async def _record_later(self, waiting: Awaitable[object], *, keep: bool) -> None:
        try:
            await waiting
        except Exception:
            log.exception("a plugin failed in on_finish")
        self._record(keep=keep)

    def _record(self, *, keep: bool) -> None:
        seconds = perf_counter() - self._began
        self._services.recorder.exchange(self._exchange, self._status, self._size, seconds)
        self.finished = True
        self._client.request_finished(keep=keep)


class _Admission:
    """A request that waits to hear whether its client may call the route."""

    __slots__ = ("_body", "_cached", "_request")

    def __init__(self, request: ProxyRequest, cached: CachedRequest, body: bytes) -> None:
        self._request = request
        self._cached = cached
        self._body = body

    def done(self) -> bool:
        """Never: a request that ends meanwhile cancels its question."""
        return False

    def set_result(self, result: AuthError | None) -> None:
        """The word is there."""
        try:
            self._request.admitted(result, self._cached, self._body)
        except Exception as error:
            report_failure(error)

    def set_exception(self, exception: BaseException) -> None:
        """Nobody can say so now."""
        try:
            self._request.not_admitted(exception)
        except Exception as error:
            report_failure(error)
