import pytest

from gateway.http.exchange import Response
from gateway.http.grpc_status import (
    GrpcStatus,
    grpc_message,
    grpc_refusal,
    grpc_status,
    is_grpc,
    read_timeout,
)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, 3),
        (401, 16),
        (403, 7),
        (404, 12),
        (405, 12),
        (429, 8),
        (500, 13),
        (502, 14),
        (503, 14),
        (504, 4),
    ],
)
def test_each_refusal_has_its_status_of_grpc(status: int, code: int) -> None:
    assert grpc_status(status) == code


def test_a_status_without_an_equal_is_unknown() -> None:
    assert grpc_status(418) is grpc_status(302) is GrpcStatus.UNKNOWN


def test_a_refusal_keeps_its_headers_and_loses_its_body() -> None:
    answer = Response(429, b"{}", [(b"Content-Type", b"application/problem+json"), (b"Retry-After", b"7")])
    refusal = grpc_refusal(answer, "100 % is the limit")
    assert (refusal.status, refusal.body) == (429, b"")
    assert refusal.headers == [
        (b"Retry-After", b"7"), (b"grpc-status", b"8"), (b"grpc-message", b"100 %25 is the limit"),
    ]  # fmt: skip


def test_a_message_is_printable_ascii() -> None:
    assert grpc_message("é\r\n%") == b"%C3%A9%0D%0A%25"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"1H", 3600), (b"2M", 120), (b"3S", 3), (b"4m", 0.004), (b"5u", 5e-6), (b"6n", 6e-9)],
)
def test_a_timeout_has_a_unit(value: bytes, seconds: float) -> None:
    assert read_timeout(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [b"", b"1", b"S", b"-1S", b"1.5S", b"123456789S", b"1S ", b"1s", b"1S\n"])
def test_a_malformed_timeout_is_none(value: bytes) -> None:
    assert read_timeout(value) is None


@pytest.mark.parametrize(
    ("kind", "known"),
    [(b"application/grpc", True), (b"Application/gRPC-Web+proto", True), (b"application/json", False)],
)
def test_a_call_is_known_by_its_content_type(kind: bytes, known: bool) -> None:
    assert is_grpc([(b"Content-Type", kind)]) is known
    assert not is_grpc([])
