"""The outermost middlewares: a request is read strictly, and an error becomes a response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.clock import Clock
from gateway.http.exchange import Headers, RequestHead
from gateway.http.forwarded import real_peer
from gateway.http.grpc_status import grpc_refusal, is_grpc
from gateway.http.head_limits import DEFAULT_LIMITS, RequestHeadLimits
from gateway.http.max_forwards import options_response
from gateway.http.problems import Problem
from gateway.http.request_head import read_head
from gateway.http.request_target import ASTERISK
from gateway.http.responses import problem_response
from gateway.oauth_flows.client_request import ClientRequest
from gateway.runtime.hex_ids import hex_ids
from gateway.server.client_connection import connection_of
from gateway.server.raw_response import send_problem, send_response
from gateway.web.error_responses import Handler, aiohttp_problem, to_logged_problem
from gateway.web.proxy_services import DESCRIBED

HEAD = web.RequestKey("head", RequestHead)
REQUEST_ID = web.RequestKey("request_id", str)
OAUTH_CALL = web.RequestKey("oauth_call", ClientRequest)
"""What the steps of an OAuth endpoint have found out."""
ERROR = web.RequestKey("error", str)
"""The code of the error with which the request was refused."""
ANSWER_HEADERS = web.RequestKey("added_response_headers", list)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What reading a request's head needs."""

    trusted: Callable[[str], bool]
    """Whether an address is one of `server.trusted_proxies`."""
    new_id: Callable[[], str]
    clock: Clock
    refused: Callable[[web.Request, Problem], None] = lambda _request, _problem: None
    """Hears of every problem that a request gets."""
    limits: RequestHeadLimits = DEFAULT_LIMITS

    def read(self, request: web.BaseRequest) -> RequestHead:
        """The request's head, checked to be unambiguous."""
        headers = list(request.raw_headers)
        peer = real_peer(connection_of(request).peer, headers, self.trusted)
        target = request.raw_path.encode("utf-8", "surrogateescape")
        version = (request.version.major, request.version.minor)
        return read_head(request.method, target, version, headers, peer, self.limits)


def request_context_middlewares(request_context: RequestContext) -> list[Callable[..., object]]:
    """Error responses outermost, so that no error escapes; then the request's head."""

    @web.middleware
    async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = request_context.new_id()
        request[ANSWER_HEADERS] = []
        try:
            return await handler(request)
        except web.HTTPException as error:
            return await _answer(request, aiohttp_problem(error), request_context)
        except Exception as error:
            return await _answer(request, to_logged_problem(error), request_context)

    @web.middleware
    async def head(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[HEAD] = read = request_context.read(request)
        if read.target == ASTERISK:
            return await send_response(request, options_response(), [], request_context.clock())
        return await handler(request)

    return [problems, head]


async def _answer(
    request: web.Request, problem: Problem, request_context: RequestContext
) -> web.StreamResponse:
    request[ERROR] = problem.kind.code
    request_context.refused(request, problem)
    extra: Headers = request[ANSWER_HEADERS]
    if _is_call(request):
        answer = grpc_refusal(problem_response(problem, request[REQUEST_ID]), problem.detail)
        return await send_response(request, answer, extra, request_context.clock())
    return await send_problem(request, problem, request[REQUEST_ID], extra, request_context.clock())


def _is_call(request: web.Request) -> bool:
    """Whether a proxy asks about a call of gRPC."""
    if connection_of(request).peer.asking:
        return is_grpc(request.raw_headers)
    described = request.get(HEAD) if DESCRIBED in request.match_info else None
    return described is not None and is_grpc(described.headers)


def asked_for(request: web.Request) -> tuple[str, str]:
    """Method and path; in forward authentication those of the request that is asked about, where known."""
    head = request.get(HEAD)
    if head is None:
        return request.method, request.raw_path.partition("?")[0]
    return head.method, head.path.decode("latin-1")


def new_request_id() -> Callable[[], str]:
    """Makes ids that are unique over all requests, workers and gateways. They need not be secret."""
    return hex_ids(16)
