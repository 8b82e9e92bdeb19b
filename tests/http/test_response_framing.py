import pytest

from gateway.http.exchange import Headers, ResponseHead
from gateway.http.response_framing import BodyDelimiter, chunk, last_chunk, response_framing, response_head


def framing(
    headers: Headers, status: int = 200, method: str = "GET", version: tuple[int, int] = (1, 1)
) -> tuple[BodyDelimiter, bytes]:
    found = response_framing(method, version, ResponseHead(status, b"", headers))
    return found.body, b"" if found.header is None else b"%s: %s" % found.header


LENGTH = [(b"content-length", b"3")]


def test_a_known_length_is_kept() -> None:
    assert framing(LENGTH) == (BodyDelimiter.LENGTH, b"Content-Length: 3")


def test_an_unknown_length_is_chunked_and_for_http_1_0_ended_by_closing() -> None:
    assert framing([(b"Transfer-Encoding", b"chunked")]) == (
        BodyDelimiter.CHUNKED,
        b"Transfer-Encoding: chunked",
    )
    assert framing([]) == (BodyDelimiter.CHUNKED, b"Transfer-Encoding: chunked")
    assert framing([], version=(1, 0)) == (BodyDelimiter.CLOSE, b"")


@pytest.mark.parametrize(("status", "method"), [(204, "GET"), (304, "GET"), (200, "HEAD")])
def test_what_has_no_body_is_not_chunked(status: int, method: str) -> None:
    assert framing([(b"Transfer-Encoding", b"chunked")], status, method) == (BodyDelimiter.NONE, b"")


def test_head_and_304_keep_the_length_that_they_tell_and_204_does_not() -> None:
    assert framing(LENGTH, method="HEAD") == (BodyDelimiter.NONE, b"Content-Length: 3")
    assert framing(LENGTH, 304) == (BodyDelimiter.NONE, b"Content-Length: 3")
    assert framing(LENGTH, 204) == (BodyDelimiter.NONE, b"")


def test_the_head_is_written_as_it_came() -> None:
    response = ResponseHead(200, b"Fine", [(b"X-A", b"\xe9"), (b"x-a", b"2")])
    found = response_framing("GET", (1, 1), ResponseHead(200, b"", LENGTH))
    assert response_head(response, found, keep_alive=True, version=(1, 1)) == (
        b"HTTP/1.1 200 Fine\r\nX-A: \xe9\r\nx-a: 2\r\nContent-Length: 3\r\n\r\n"
    )
    assert b"Connection: close\r\n" in response_head(response, found, keep_alive=False, version=(1, 1))
    assert b"Connection: keep-alive\r\n" in response_head(response, found, keep_alive=True, version=(1, 0))


def test_chunks() -> None:
    assert chunk(b"a" * 16) == b"10\r\n" + b"a" * 16 + b"\r\n"
    assert last_chunk([]) == b"0\r\n\r\n"
    assert last_chunk([(b"X-Sum", b"1")]) == b"0\r\nX-Sum: 1\r\n\r\n"
