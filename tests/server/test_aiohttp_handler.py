"""What the gateway takes from aiohttp's server that aiohttp does not promise."""

import asyncio
import inspect

import pytest
from aiohttp import web, web_protocol
from aiohttp.http_exceptions import LineTooLong

from tests.raw import RawClient
from tests.server.test_aiohttp_server import served
from tests.web_gateway import request

HOOKS = {
    "finish_response": ["self", "request", "resp", "start_time"],
    "handle_error": ["self", "request", "status", "exc", "message"],
    "log_exception": ["self", "args", "kw"],
    "force_close": ["self"],
    "close": ["self"],
    "shutdown": ["self", "timeout"],
}
"""What is overridden, or called, and is in no documentation."""


@pytest.mark.parametrize("name", HOOKS)
def test_aiohttp_still_has_what_the_handler_builds_on(name: str) -> None:
    found = getattr(web_protocol.RequestHandler, name, None)
    assert found is not None, f"aiohttp changed: RequestHandler.{name} is gone"
    assert list(inspect.signature(found).parameters) == HOOKS[name], f"aiohttp changed: RequestHandler.{name}"


async def test_aiohttp_still_keeps_the_requests_that_it_has_not_begun() -> None:
    server = web.Server(lambda request: None)  # type: ignore[arg-type]  # it is never called
    connection = web_protocol.RequestHandler(server, loop=asyncio.get_running_loop())
    assert hasattr(connection, "_messages"), "aiohttp changed: RequestHandler._messages is gone"


async def test_a_handler_knows_whether_a_request_waits_in_it() -> None:
    server = served()
    handler = server.handler(server())
    assert not handler.has_unstarted_request
    handler.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert handler.has_unstarted_request


def test_aiohttp_still_makes_its_server_where_the_runner_takes_it_over() -> None:
    assert asyncio.iscoroutinefunction(web.AppRunner._make_server), "aiohttp changed: AppRunner._make_server"


def test_aiohttp_still_says_which_limit_was_passed() -> None:
    assert LineTooLong(b"x", 8190).args[1] == 8190, "aiohttp changed: LineTooLong.args"


async def test_what_aiohttp_cannot_parse_is_refused_in_the_gateways_words(client: RawClient) -> None:
    reply = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n")
    assert (reply.status, reply.header("Content-Type")) == (400, "application/problem+json")
    assert await client.closed()


async def test_the_connection_outlives_a_refusal(client: RawClient) -> None:
    for _ in range(3):
        assert (await client.ask(request("/read", "TE: trailers"))).status == 401
