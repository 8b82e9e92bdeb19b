import json

from gateway.http.exchange import Headers, Response
from gateway.http.problems import METHOD_NOT_ALLOWED, Problem
from gateway.http.responses import problem_response, reason_phrase, response_bytes


def sent(
    answer: Response,
    extra: Headers | None = None,
    method: str = "GET",
    keep_alive: bool = True,
    version: tuple[int, int] = (1, 1),
) -> bytes:
    return response_bytes(answer, extra or [], method=method, version=version, keep_alive=keep_alive, now=0.0)


def test_a_whole_answer() -> None:
    assert sent(Response(200, b"hi", [(b"X-A", b"1")]), [(b"X-B", b"2")]) == (
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: 2\r\n"
        b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nhi"
    )


def test_the_connections_future_is_told() -> None:
    assert b"Connection: close\r\n" in sent(Response(200), keep_alive=False)
    assert b"Connection: keep-alive\r\n" in sent(Response(200), version=(1, 0))


def test_head_and_204_have_no_body() -> None:
    assert sent(Response(200, b"hi"), method="HEAD").endswith(b"Content-Length: 2\r\n\r\n")
    assert b"Content-Length" not in sent(Response(204))


def test_a_fault_is_a_problem() -> None:
    answer = problem_response(Problem(METHOD_NOT_ALLOWED, headers=[(b"Allow", b"GET")]), "id-1")
    assert json.loads(answer.body)["code"] == "405"
    assert (b"Allow", b"GET") in answer.headers
    assert (b"Content-Type", b"application/problem+json") in answer.headers


def test_an_unknown_status_has_no_words() -> None:
    assert reason_phrase(404) == b"Not Found"
    assert reason_phrase(299) == b""
