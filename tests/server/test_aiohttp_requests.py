"""What aiohttp gets of a connection's bytes, and when."""

from typing import cast

import pytest

from gateway.http.head_limits import DEFAULT_LIMITS
from gateway.http.problems import WRONG_VERSION, Problem
from gateway.server.aiohttp_handler import AiohttpHandler
from gateway.server.aiohttp_requests import AiohttpRequests

HEAD = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"


class Recorder:
    """In place of aiohttp's handler and of a response: says what it was told."""

    has_unstarted_request = False

    def __init__(self) -> None:
        self.data = b""
        self.told: list[str] = []

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: BaseException | None) -> None:
        self.told.append("connection lost")

    def pause_writing(self) -> None:
        self.told.append("pause writing")

    def resume_writing(self) -> None:
        self.told.append("resume writing")

    def close(self) -> None:
        self.told.append("close")

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    def end_stream(self, *, at_once: bool) -> None:
        self.told.append(f"end stream, at once: {at_once}")


class Stage:
    """Requests, and the handlers that were made for them."""

    def __init__(self) -> None:
        self.handlers: list[Recorder] = []
        self.requests = AiohttpRequests(self._new_handler, DEFAULT_LIMITS)
        self.requests.begin(0.0)

    def _new_handler(self) -> AiohttpHandler:
        self.handlers.append(Recorder())
        return cast(AiohttpHandler, self.handlers[-1])

    def feed(self, data: bytes) -> bytes:
        """Returns what is behind the request."""
        return self.requests.feed(data)

    def seen(self) -> bytes:
        """What aiohttp has got."""
        return b"".join(handler.data for handler in self.handlers)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("request_", [HEAD, POST + b"12345"], ids=["plain", "body"])
def test_aiohttp_gets_the_request_and_not_what_is_behind_it(stage: Stage, request_: bytes) -> None:
    assert stage.feed(request_ + b"GET /next") == b"GET /next"
    assert stage.seen() == request_
    assert stage.requests.request_read(parsed=False)


def test_a_request_line_is_held_back_until_it_is_whole(stage: Stage) -> None:
    end = HEAD.index(b"\r\n")
    for place in range(end):
        assert stage.feed(HEAD[place : place + 1]) == b""
    assert not stage.handlers
    assert not stage.requests.request_read(parsed=True)
    stage.feed(HEAD[end:])
    assert stage.seen() == HEAD


def test_what_is_no_request_line_is_refused_before_aiohttp_sees_it(stage: Stage) -> None:
    stage.feed(b"GET / HTTP")
    with pytest.raises(Problem) as refused:
        stage.feed(b"/3.0\r\n")
    assert refused.value.kind is WRONG_VERSION
    assert not stage.handlers


def test_one_handler_gets_all_requests(stage: Stage) -> None:
    for number in range(3):
        stage.requests.begin(float(number))
        assert stage.requests.began == number
        assert stage.feed(HEAD) == b""
    assert [handler.data for handler in stage.handlers] == [3 * HEAD]


def test_a_request_is_not_over_while_aiohttp_has_another(stage: Stage) -> None:
    stage.feed(HEAD)
    stage.handlers[0].has_unstarted_request = True
    assert not stage.requests.request_read(parsed=True)


def test_what_the_client_does_is_told_to_the_response_and_to_aiohttp(stage: Stage) -> None:
    stage.feed(HEAD)
    response = stage.requests.response = Recorder()
    stage.requests.pause_writing()
    stage.requests.resume_writing()
    stage.requests.end_stream(at_once=True)
    stage.requests.connection_lost(None)
    assert response.told == ["pause", "resume", "end stream, at once: True"]
    assert stage.handlers[0].told == ["pause writing", "resume writing", "connection lost"]


def test_there_is_a_response_to_close_after_once_aiohttp_has_seen_a_request(stage: Stage) -> None:
    assert not stage.requests.close_after_response()
    stage.feed(HEAD)
    assert stage.requests.close_after_response()
    assert stage.handlers[0].told == ["close"]


async def test_nothing_is_waited_for_before_aiohttp_has_seen_a_request(stage: Stage) -> None:
    stage.requests.pause_writing()
    stage.requests.connection_lost(None)
    await stage.requests.shutdown(None)
    assert not stage.handlers
