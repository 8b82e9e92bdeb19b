"""`Authorization/Check`: the questions of `/auth/verify` as gRPC asks them, judged by the same rules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from gateway.ext_authz.check_messages import CheckedRequest, allowed, denied, read_check_request
from gateway.ext_authz.grpc_call import GrpcError
from gateway.http.asking_proxies import AskingProxies
from gateway.http.client_certificate import escaped_pem
from gateway.http.described_request import described_request
from gateway.http.endpoints import VERIFY
from gateway.http.exchange import (
    UNKNOWN_ADDRESS,
    Exchange,
    Header,
    Headers,
    Peer,
    RequestHead,
    Response,
    header_values,
)
from gateway.http.forwarded import direct_peer, read_node, real_peer
from gateway.http.grpc_status import GrpcStatus, grpc_refusal, is_grpc
from gateway.http.head_limits import RequestHeadLimits
from gateway.http.header_changes import header_changes
from gateway.http.problems import Problem
from gateway.http.request_head import check_singletons, check_size
from gateway.http.responses import problem_response, reason_phrase
from gateway.http.route import Route
from gateway.proxy.forward_head import build_forward_head
from gateway.proxy.pipeline import run_on_finish
from gateway.proxy.verification import ROUTE_HEADER, Leave, answer_question
from gateway.web.error_responses import to_logged_problem
from gateway.web.proxy_services import ProxyServices
from gateway.web.request_recorder import CLIENT_DISCONNECTED, OtherFacts

log = logging.getLogger("gatepost")

_PROTO = b"x-forwarded-proto"


@dataclass(slots=True)
class _Question:
    """One call, and what has been found out about it."""

    asked: CheckedRequest
    request_id: str
    wants_route: bool
    request: RequestHead | None = None
    exchange: Exchange | None = None
    added: Headers = field(default_factory=list)
    """Headers that plugins add to the response to the client."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """Made once for a configuration."""

    services: ProxyServices
    proxies: AskingProxies
    limits: RequestHeadLimits
    new_id: Callable[[], str]

    async def check(self, message: bytes, connection: Peer, metadata: Sequence[Header]) -> bytes:
        """Answers a CheckRequest with a CheckResponse.

        Args:
            message: the CheckRequest.
            connection: the other end of the connection.
            metadata: the headers of the call.

        Raises:
            GrpcError: whoever asks may not, or it is no CheckRequest.
        """
        if not self.proxies.may_ask(connection, metadata):
            needs = self.proxies.needs
            log.warning("forward authentication refused: gRPC from %s: %s", connection.address, needs)
            text = "Only proxies that the gateway trusts may ask here."
            raise GrpcError(GrpcStatus.PERMISSION_DENIED, text)
        wants_route = bool(header_values(metadata, ROUTE_HEADER))
        question = _Question(read_check_request(message), self.new_id(), wants_route)
        telemetry, began = self.services.recorder.telemetry, perf_counter()
        telemetry.in_flight += 1
        status, size = CLIENT_DISCONNECTED, 0
        try:
            answer = await self._answer(question)
            status, size = answer.status, len(answer.body)
            return self._message(question, answer)
        finally:
            telemetry.in_flight -= 1
            await run_on_finish(question.exchange)
            self._record(question, status, size, perf_counter() - began)

    async def _answer(self, question: _Question) -> Response:
        try:
            question.request = described = self._described(question.asked)
            return await self._judged(question, described)
        except Exception as error:  # whatever a plugin raises ends the request: a broken guard lets nobody in
            problem = to_logged_problem(error)
            self._note(question, problem)
            answer = problem_response(problem, question.request_id)
            return answer if not is_grpc(question.asked.headers) else grpc_refusal(answer, problem.detail)

    async def _judged(self, question: _Question, described: RequestHead) -> Response:
        def begin(route: Route) -> Exchange:
            question.exchange = exchange = Exchange(
                described, route, question.request_id, added_response_headers=question.added
            )
            return exchange

        try:
            answer = await answer_question(described, self.services, begin)
        finally:
            if question.exchange is not None:
                # A plugin may have taken over an id that the proxy gave the request.
                question.request_id = question.exchange.request_id
        if isinstance(answer, Leave) or not is_grpc(described.headers):
            return answer
        return grpc_refusal(answer, reason_phrase(answer.status).decode())

    def _described(self, asked: CheckedRequest) -> RequestHead:
        """The request that is asked about.

        Raises:
            Problem: it is malformed.
        """
        headers = asked.headers
        peer = self._client(asked)
        check_size(headers, self.limits)
        check_singletons(headers)
        question = RequestHead(asked.method, asked.path, b"", (), None, asked.host.lower(), headers, peer)
        return described_request(question, asked.path, peer, self.limits)

    def _client(self, asked: CheckedRequest) -> Peer:
        """The client behind the proxy. Of a certificate only the proxy itself tells, never a header."""
        told = header_values(asked.headers, _PROTO)
        scheme = told[-1].rpartition(b",")[2].strip().lower() if told else asked.scheme.lower().encode()
        source = direct_peer(
            read_node(asked.address) or UNKNOWN_ADDRESS, "https" if scheme == b"https" else "http"
        )
        peer = real_peer(source, asked.headers, self.proxies.trusted)
        return replace(peer, certificate=escaped_pem(asked.certificate), trusted=True)

    def _message(self, question: _Question, answer: Response) -> bytes:
        exchange = question.exchange
        if not isinstance(answer, Leave) or exchange is None:
            return denied(answer, question.added)
        goes = (exchange.forward or build_forward_head(exchange)).headers
        if question.wants_route:
            goes = [*goes, (ROUTE_HEADER, exchange.route.id.encode())]
        return allowed(header_changes(question.asked.headers, goes), question.added)

    def _note(self, question: _Question, problem: Problem) -> None:
        """For `gatepost why`."""
        refusals, request = self.services.refusals, question.request
        if question.exchange is not None:
            refusals.problem(question.exchange, problem)
            return
        method, path = question.asked.method, question.asked.path.partition(b"?")[0].decode("latin-1")
        address = question.asked.address if request is None else request.peer.address
        refusals.unrouted(method, path, address, question.request_id, problem)

    def _record(self, question: _Question, status: int, size: int, seconds: float) -> None:
        recorder, asked, request = self.services.recorder, question.asked, question.request
        if question.exchange is not None:
            recorder.verification(question.exchange, status, size, seconds)
            return
        address = asked.address if request is None else request.peer.address
        facts = OtherFacts(asked.headers)
        path = asked.path.partition(b"?")[0]
        recorder.other(
            VERIFY, asked.method, path, address, question.request_id, status, size, seconds, facts=facts
        )
