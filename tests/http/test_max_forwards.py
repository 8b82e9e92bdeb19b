import pytest

from gateway.http.exchange import Headers, RequestHead
from gateway.http.forwarded import direct_peer
from gateway.http.max_forwards import hops_left, max_forwards_response, one_hop_less
from gateway.http.problems import Problem
from gateway.http.request_head import read_head


def asked(method: str, *values: bytes) -> RequestHead:
    headers: Headers = [(b"Host", b"a"), *((b"max-Forwards", value) for value in values)]
    return read_head(method, b"/", (1, 1), headers, direct_peer("192.0.2.1", "http"))


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_each_hop_counts_down(method: str) -> None:
    request = asked(method, b"5")
    assert max_forwards_response(request, ()) is None
    assert (b"max-Forwards", b"4") in one_hop_less(request, request.headers)


def test_the_last_hop_answers_options_itself() -> None:
    answer = max_forwards_response(asked("OPTIONS", b"0"), ("GET", "OPTIONS"))
    assert answer is not None
    assert (answer.status, answer.headers) == (200, [(b"Allow", b"GET, OPTIONS")])


def test_the_last_hop_reflects_no_trace() -> None:
    with pytest.raises(Problem) as caught:
        max_forwards_response(asked("TRACE", b"0"), ())
    assert caught.value.kind.status == 405
    assert caught.value.headers[0][0] == b"Allow"


@pytest.mark.parametrize("value", [b"", b"x", b"-1", b"+1", b"1, 2", b"1" * 20])
def test_a_number_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(Problem):
        hops_left(asked("OPTIONS", value))


def test_two_numbers_are_refused() -> None:
    with pytest.raises(Problem):
        hops_left(asked("OPTIONS", b"1", b"2"))


def test_other_methods_and_silence_do_not_count() -> None:
    for request in (asked("GET", b"0"), asked("OPTIONS")):
        assert max_forwards_response(request, ()) is None
        assert one_hop_less(request, request.headers) is request.headers
