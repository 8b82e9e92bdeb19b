import pytest

from gateway.exchange import Headers, RequestHead
from gateway.faults import Fault
from gateway.proxy.arrival import read_head
from gateway.proxy.forwarded import direct_peer
from gateway.proxy.max_forwards import hops_left, last_hop_answer, one_hop_less


def asked(method: str, *values: bytes) -> RequestHead:
    headers: Headers = [(b"Host", b"a"), *((b"max-Forwards", value) for value in values)]
    return read_head(method, b"/", (1, 1), headers, direct_peer("192.0.2.1", "http"))


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_each_hop_counts_down(method: str) -> None:
    request = asked(method, b"5")
    assert last_hop_answer(request, ()) is None
    assert (b"max-Forwards", b"4") in one_hop_less(request, request.headers)


def test_the_last_hop_answers_options_itself() -> None:
    answer = last_hop_answer(asked("OPTIONS", b"0"), ("GET", "OPTIONS"))
    assert answer is not None
    assert (answer.status, answer.headers) == (200, [(b"Allow", b"GET, OPTIONS")])


def test_the_last_hop_reflects_no_trace() -> None:
    with pytest.raises(Fault) as caught:
        last_hop_answer(asked("TRACE", b"0"), ())
    assert caught.value.kind.status == 405
    assert caught.value.headers[0][0] == b"Allow"


@pytest.mark.parametrize("value", [b"", b"x", b"-1", b"+1", b"1, 2", b"1" * 20])
def test_a_number_that_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(Fault):
        hops_left(asked("OPTIONS", value))


def test_two_numbers_are_refused() -> None:
    with pytest.raises(Fault):
        hops_left(asked("OPTIONS", b"1", b"2"))


def test_other_methods_and_silence_do_not_count() -> None:
    for request in (asked("GET", b"0"), asked("OPTIONS")):
        assert last_hop_answer(request, ()) is None
        assert one_hop_less(request, request.headers) is request.headers
