import pytest

from gateway.faults import Fault
from gateway.web.upload import expects_continue, is_chunked
from tests.proxy.routing import request


def test_a_chunked_body_is_told_from_one_with_a_length() -> None:
    assert is_chunked(request("/", "POST", "a", (b"transfer-ENCODING", b"chunked")))
    assert not is_chunked(request("/", "POST", "a", (b"Content-Length", b"3")))


def test_who_expects_a_continue_is_told_from_who_does_not() -> None:
    assert expects_continue(request("/", "POST", "a", (b"Expect", b"100-Continue")))
    assert not expects_continue(request("/"))


def test_any_other_expectation_fails() -> None:
    with pytest.raises(Fault) as caught:
        expects_continue(request("/", "POST", "a", (b"Expect", b"200-ok")))
    assert caught.value.kind.status == 417
