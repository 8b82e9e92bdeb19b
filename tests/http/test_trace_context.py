import pytest

from gateway.http.trace_context import TraceParent, format_traceparent, read_traceparent

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{CALLER}-01".encode()


def test_a_traceparent_is_read_and_written() -> None:
    read = read_traceparent([PARENT])
    assert read == TraceParent(TRACE, CALLER, 1)
    assert read.sampled
    assert format_traceparent(*read).encode() == PARENT


def test_later_versions_may_have_more() -> None:
    assert read_traceparent([PARENT.replace(b"00-", b"01-", 1) + b"-more"]) == TraceParent(TRACE, CALLER, 1)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [PARENT, PARENT],
        [PARENT + b"-more"],
        [PARENT.replace(b"00-", b"ff-", 1)],
        [PARENT.upper()],
        [b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01"],
        [f"00-{TRACE}-{'0' * 16}-01".encode()],
        [b""],
    ],
)
def test_anything_else_is_none(values: list[bytes]) -> None:
    assert read_traceparent(values) is None
