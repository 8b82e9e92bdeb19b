import pytest

from gateway.http.exchange import Header, Headers
from gateway.http.forwarded import direct_peer
from gateway.http.head_limits import DEFAULT_LIMITS
from gateway.http.problems import Problem
from gateway.http.request_head import check_length, check_request_line, content_length, read_head

PEER = direct_peer("192.0.2.1", "https")
HOST = (b"Host", b"API.example.org:8243")


def refusal(
    *headers: Header, method: str = "GET", target: bytes = b"/", version: tuple[int, int] = (1, 1)
) -> int:
    with pytest.raises(Problem) as caught:
        read_head(method, target, version, list(headers), PEER)
    return caught.value.kind.status


def test_a_good_head_is_read() -> None:
    head = read_head("GET", b"/orders?x", (1, 1), [HOST, (b"X-A", b"1")], PEER)
    assert (head.method, head.host, head.segments, head.query) == (
        "GET",
        "api.example.org:8243",
        ("orders",),
        b"x",
    )
    assert head.header("x-a") == "1"
    assert head.header("absent") is None


def test_an_absolute_target_names_the_host() -> None:
    head = read_head("GET", b"http://other.example/a", (1, 1), [HOST], PEER)
    assert (head.host, head.target) == ("other.example", b"/a")


def test_http_1_0_needs_no_host() -> None:
    assert read_head("GET", b"/", (1, 0), [], PEER).host == ""


@pytest.mark.parametrize(
    "name",
    [
        b"Content-Location",
        b"Content-Range",
        b"Content-Type",
        b"ETag",
        b"Max-Forwards",
        b"Server",
        b"User-Agent",
    ],
)
def test_a_header_that_is_no_list_must_not_be_repeated(name: bytes) -> None:
    assert refusal(HOST, (name, b"1"), (name.upper(), b"1")) == 400
    assert read_head("GET", b"/", (1, 1), [HOST, (name, b"1"), (b"X-A", b"1"), (b"X-A", b"2")], PEER)


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [b"a", b"a"],
        [b"bad host"],
        [b""],
        [b"a/b"],
        [b"a@b"],
        [b"a:b"],
        [b"[::1"],
        [b"a,b"],
        [b"a:123456"],
        [b"\xff"],
    ],
)
def test_host_must_be_there_once_and_valid(hosts: list[bytes]) -> None:
    assert refusal(*[(b"hOsT", host) for host in hosts]) == 400


@pytest.mark.parametrize(
    "host", [b"localhost", b"127.0.0.1:80", b"[::1]:8243", b"a_b.example", b"A.example."]
)
def test_usual_hosts_are_valid(host: bytes) -> None:
    assert read_head("GET", b"/", (1, 1), [(b"Host", host)], PEER).host == host.decode().lower()


def test_a_host_longer_than_a_name_with_a_port_is_400() -> None:
    longest = b"a" * 255 + b":65535"
    assert read_head("GET", b"/", (1, 1), [(b"Host", longest)], PEER).host == longest.decode()
    with pytest.raises(Problem, match="Host header is invalid"):
        read_head("GET", b"/", (1, 1), [(b"Host", b"a" + longest)], PEER)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"3")], 400),
        ([(b"Transfer-Encoding", b"chunked, gzip")], 400),
        ([(b"Transfer-Encoding", b"identity")], 400),
        ([(b"Transfer-Encoding", b"")], 400),
        ([(b"Transfer-Encoding", b"xchunked")], 400),
        ([(b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")], 400),
        ([(b"Transfer-Encoding", b"gzip, chunked")], 501),
        ([(b"Content-Length", b"3"), (b"Content-Length", b"3")], 400),
        ([(b"Content-Length", b"+3")], 400),
        ([(b"Content-Length", b"-1")], 400),
        ([(b"Content-Length", b"0x3")], 400),
        ([(b"Content-Length", b"3, 3")], 400),
        ([(b"Content-Length", b"")], 400),
        ([(b"Content-Length", b"1" * 30)], 400),
    ],
)
def test_a_body_whose_end_is_ambiguous_is_refused(headers: Headers, status: int) -> None:
    assert refusal(HOST, *headers, method="POST") == status


def test_transfer_encoding_in_http_1_0_is_refused() -> None:
    assert refusal(HOST, (b"Transfer-Encoding", b"chunked"), version=(1, 0)) == 400


@pytest.mark.parametrize("version", [(2, 0), (0, 9), (1, 2), (3, 0)])
def test_other_versions_are_505(version: tuple[int, int]) -> None:
    assert refusal(HOST, version=version) == 505


@pytest.mark.parametrize(
    ("method", "status"), [("A" * 33, 501), ("CONNECT", 501), ("GE T", 400), ("", 400), ("GÉT", 400)]
)
def test_methods_that_cannot_be_served(method: str, status: int) -> None:
    assert refusal(HOST, method=method) == status


def test_too_many_or_too_large_headers_are_431() -> None:
    assert refusal(HOST, *[(b"X", b"1")] * DEFAULT_LIMITS.headers) == 431
    assert refusal(HOST, (b"X", b"1" * 40_000)) == 431


def test_a_declared_length_over_the_limit_is_413() -> None:
    headers = [(b"content-LENGTH", b"11")]
    assert content_length(headers) == 11
    check_length(headers, 11)
    with pytest.raises(Problem) as caught:
        check_length(headers, 10)
    assert caught.value.kind.status == 413
    assert content_length([]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost:",
        b"\r\nGET / HTTP/1.1\r\n",
        b"GET /a?b HTTP/1.0\r\n",
        b"GE",
        b"\r\n",
        b"",
        b"GET / HTTP/1.1\n",
    ],
)
def test_what_begins_like_a_request_goes_on(data: bytes) -> None:
    check_request_line(data)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET  / HTTP/1.1\r\n", 400),
        (b"GET\t/ HTTP/1.1\r\n", 400),
        (b"GET / HTTP/1.1 \r\n", 400),
        (b"GET /\r\n", 400),
        (b" GET / HTTP/1.1\r\n", 400),
        (b"\x16\x03\x01\n", 400),
        (b"A" * 33, 501),
        (b"GET /a?b HTTP/2.0\r\n", 505),
        (b"GET / HTTP/1.2\r\n", 505),
        (b"\rGET / HTTP/1.1\r\n", 400),
        (b"\nGET / HTTP/1.1\r\n", 400),
    ],
)
def test_what_does_not_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(Problem) as caught:
        check_request_line(data)
    assert caught.value.kind.status == status
