import pytest

from gateway.proxy.forward_head import build_forward_head
from plugins.trace import Trace, is_parent
from tests.plugins.exchanges import exchange, forwarded, made

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def traced(*headers: tuple[bytes, bytes]) -> dict[bytes, bytes]:
    forward = forwarded(made(Trace), *headers).forward
    assert forward is not None
    return {name.lower(): value for name, value in forward.headers}


def test_a_valid_trace_passes_byte_for_byte() -> None:
    sent = traced((b"TraceParent", PARENT), (b"tracestate", b"a=1,b=2"))
    assert (sent[b"traceparent"], sent[b"tracestate"]) == (PARENT, b"a=1,b=2")


def test_a_state_that_is_too_long_is_dropped() -> None:
    assert b"tracestate" not in traced((b"traceparent", PARENT), (b"tracestate", b"a=" + b"1" * 600))


@pytest.mark.parametrize("given", [(), (b"nonsense",), (PARENT, PARENT)])
def test_where_there_is_none_a_trace_begins_without_the_strangers_state(given: tuple[bytes, ...]) -> None:
    sent = traced(*((b"traceparent", value) for value in given), (b"tracestate", b"a=1"))
    assert is_parent(sent[b"traceparent"])
    assert sent[b"traceparent"] != PARENT
    assert b"tracestate" not in sent


def test_a_trace_that_begins_here_has_the_requests_id() -> None:
    sent, plugin = exchange(), made(Trace)
    sent.request_id = "ab" * 16
    sent.forward = build_forward_head(sent)
    plugin.on_forward(sent)
    assert any(value.startswith(b"00-" + b"ab" * 16) for _, value in sent.forward.headers)


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (PARENT, True),
        (PARENT.replace(b"00-", b"01-", 1) + b"-more", True),
        (PARENT + b"-more", False),
        (PARENT.replace(b"00-", b"ff-", 1), False),
        (PARENT.upper(), False),
        (b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01", False),
        (b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01", False),
        (b"", False),
    ],
)
def test_what_a_traceparent_is(value: bytes, valid: bool) -> None:
    assert is_parent(value) is valid
