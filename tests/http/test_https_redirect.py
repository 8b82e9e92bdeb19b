"""Redirects to https keep host, path, query and method."""

import pytest

from gateway.http.exchange import NOBODY
from gateway.http.https_redirect import https_redirect
from gateway.http.problems import Problem
from gateway.http.request_head import read_head


def location(
    host: bytes, target: bytes = b"/a?b=c", port: int = 443, method: str = "GET"
) -> tuple[int, bytes]:
    head = read_head(method, target, (1, 1), [(b"Host", host)], NOBODY)
    answer = https_redirect(head, port)
    return answer.status, dict(answer.headers)[b"Location"]


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        (b"api.example.org", 443, b"https://api.example.org/a?b=c"),
        (b"API.example.org:80", 443, b"https://api.example.org/a?b=c"),
        (b"api.example.org:8280", 8243, b"https://api.example.org:8243/a?b=c"),
        (b"[2001:db8::1]:80", 443, b"https://[2001:db8::1]/a?b=c"),
        (b"[2001:db8::1]", 8243, b"https://[2001:db8::1]:8243/a?b=c"),
    ],
)
def test_the_host_is_kept_and_the_port_is_that_of_https(host: bytes, port: int, expected: bytes) -> None:
    assert location(host, port=port) == (301, expected)


@pytest.mark.parametrize(("method", "status"), [("GET", 301), ("HEAD", 301), ("POST", 308), ("OPTIONS", 308)])
def test_other_methods_than_get_and_head_stay_what_they_are(method: str, status: int) -> None:
    assert location(b"a", method=method)[0] == status


def test_a_path_that_looks_like_a_host_stays_a_path() -> None:
    assert location(b"a", b"//evil.example/x")[1] == b"https://a//evil.example/x"


def test_the_host_of_an_absolute_target_counts() -> None:
    assert location(b"a", b"http://b.example/x")[1] == b"https://b.example/x"


def test_without_a_host_there_is_nowhere_to_go() -> None:
    head = read_head("GET", b"/", (1, 0), [], NOBODY)
    with pytest.raises(Problem):
        https_redirect(head, 443)
