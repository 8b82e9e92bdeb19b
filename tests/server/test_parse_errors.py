"""What aiohttp's parser refuses is told in the gateway's words, without a piece of the request."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import BadHttpMessage, BadHttpMethod, LineTooLong
from aiohttp.http_parser import HttpRequestParser

from gateway.http.head_limits import DEFAULT_LIMITS
from gateway.http.problems import BAD_REQUEST
from gateway.server.parse_errors import parse_problem

GET, POST = "GET /a HTTP/1.1\r\nHost: x\r\n", "POST /a HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n"
HOST, LENGTH = "There must be one Host header.", "Content-Length is invalid."
BOTH = "Transfer-Encoding and Content-Length can't stand together."
NAME = "The name of a header is malformed."
VALUE = "The value of a header has a control character, or does not end in CR LF."
CHUNKS = "The chunked body is malformed."

REFUSED = [
    ("GET /a HTTP/1.1\r\n\r\n", HOST),
    (GET + "Host: x\r\n\r\n", HOST),
    (POST + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", LENGTH),
    (POST + "Content-Length: +1\r\n\r\na", LENGTH),
    (POST + "Content-Length: \r\n\r\na", LENGTH),
    (POST + "Content-Length: 99999999999999999999999\r\n\r\na", LENGTH),
    (CHUNKED + "Content-Length: 1\r\n\r\n0\r\n\r\n", BOTH),
    (POST + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BOTH),
    (POST + "Transfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding must end in chunked."),
    (GET + "X: secret\r\n secret\r\n\r\n", "A header goes on in a further line."),
    (GET + "X : secret\r\n\r\n", NAME),
    (GET + "secret\r\n\r\n", NAME),
    (GET + "X: secret\0\r\n\r\n", VALUE),
    (GET + "X: secret\rY\r\n\r\n", VALUE),
    (GET + "X: secret\nY: b\r\n\r\n", VALUE),
    (CHUNKED + "\r\nsecret\r\n", CHUNKS),
    (CHUNKED + "\r\n1\r\nsecret\r\n", CHUNKS),
    (CHUNKED + "\r\nffffffffffffffffffffff\r\na", CHUNKS),
    (
        GET + "Connection: close\r\n\r\n" + GET + "\r\n",
        "Something follows a request with Connection: close.",
    ),
]


@pytest.mark.parametrize(("request_", "detail"), REFUSED)
async def test_the_detail_says_what_is_malformed(request_: str, detail: str) -> None:
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(BaseProtocol(loop), loop, 2**16)
    with pytest.raises(BadHttpMessage) as refused:
        parser.feed_data(request_.encode())
    problem = parse_problem(refused.value, DEFAULT_LIMITS.target)
    assert (problem.kind, problem.detail, problem.close) == (BAD_REQUEST, detail, True)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadHttpMethod("BREW"), 501),
        (LineTooLong(b"", DEFAULT_LIMITS.target), 414),
        (LineTooLong(b"", 1), 431),
        (BadHttpMessage(""), 400),
        (None, 400),
    ],
)
def test_what_can_t_be_parsed_has_its_status(error: Exception | None, status: int) -> None:
    assert parse_problem(error, DEFAULT_LIMITS.target).kind.status == status


def test_what_the_parser_has_no_known_words_for_is_not_repeated() -> None:
    problem = parse_problem(BadHttpMessage("Authorization: Bearer secret"), DEFAULT_LIMITS.target)
    assert problem.detail == BAD_REQUEST.detail
