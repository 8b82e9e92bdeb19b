import pytest

from gateway.exchange import Headers, ResponseHead
from gateway.proxy.framing import Body, answer_framing, answer_head, chunk, last_chunk


def framing(
    headers: Headers, status: int = 200, method: str = "GET", version: tuple[int, int] = (1, 1)
) -> tuple[Body, bytes]:
    found = answer_framing(method, version, ResponseHead(status, b"", headers))
    return found.body, b"" if found.header is None else b"%s: %s" % found.header


LENGTH = [(b"content-length", b"3")]


def test_a_known_length_is_kept() -> None:
    assert framing(LENGTH) == (Body.LENGTH, b"Content-Length: 3")


def test_an_unknown_length_is_chunked_and_for_http_1_0_ended_by_closing() -> None:
    assert framing([(b"Transfer-Encoding", b"chunked")]) == (Body.CHUNKED, b"Transfer-Encoding: chunked")
    assert framing([]) == (Body.CHUNKED, b"Transfer-Encoding: chunked")
    assert framing([], version=(1, 0)) == (Body.CLOSE, b"")


@pytest.mark.parametrize(("status", "method"), [(204, "GET"), (304, "GET"), (200, "HEAD")])
def test_what_has_no_body_is_not_chunked(status: int, method: str) -> None:
    assert framing([(b"Transfer-Encoding", b"chunked")], status, method) == (Body.NONE, b"")


def test_head_and_304_keep_the_length_that_they_tell_and_204_does_not() -> None:
    assert framing(LENGTH, method="HEAD") == (Body.NONE, b"Content-Length: 3")
    assert framing(LENGTH, 304) == (Body.NONE, b"Content-Length: 3")
    assert framing(LENGTH, 204) == (Body.NONE, b"")


def test_the_head_is_written_as_it_came() -> None:
    response = ResponseHead(200, b"Fine", [(b"X-A", b"\xe9"), (b"x-a", b"2")])
    found = answer_framing("GET", (1, 1), ResponseHead(200, b"", LENGTH))
    assert answer_head(response, found, keep_alive=True, version=(1, 1)) == (
        b"HTTP/1.1 200 Fine\r\nX-A: \xe9\r\nx-a: 2\r\nContent-Length: 3\r\n\r\n"
    )
    assert b"Connection: close\r\n" in answer_head(response, found, keep_alive=False, version=(1, 1))
    assert b"Connection: keep-alive\r\n" in answer_head(response, found, keep_alive=True, version=(1, 0))


def test_chunks() -> None:
    assert chunk(b"a" * 16) == b"10\r\n" + b"a" * 16 + b"\r\n"
    assert last_chunk([]) == b"0\r\n\r\n"
    assert last_chunk([(b"X-Sum", b"1")]) == b"0\r\nX-Sum: 1\r\n\r\n"
