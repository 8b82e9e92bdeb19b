"""Propagates a W3C trace context to the upstream, or starts one."""

import re
import secrets

from gateway.plugin import Exchange, ForwardHead, ProxyPlugin, header_values

# W3C Trace Context section 3.2: version, trace-id, parent-id and flags; later versions may have more behind.
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?\Z")
_HEX_ID = re.compile(r"[0-9a-f]{32}\Z")
MAX_TRACESTATE = 512
"""Bytes. Longer tracestate may be dropped (section 3.3.1.5)."""


class Trace(ProxyPlugin):
    """Propagates traces unchanged; the gateway records no spans of its own."""

    foreseeable = True

    def on_forward(self, exchange: Exchange) -> None:
        """Forwards a valid traceparent unchanged; otherwise starts a new trace."""
        forward = exchange.forward
        if forward is None:
            return
        parents = header_values(forward.headers, b"traceparent")
        if len(parents) != 1 or not is_parent(parents[0]):
            _start_trace(forward, exchange.request_id)
        elif sum(map(len, header_values(forward.headers, b"tracestate"))) > MAX_TRACESTATE:
            forward.remove("tracestate")


def is_parent(value: bytes) -> bool:
    """Whether a traceparent is valid (section 3.2.2)."""
    match = _PARENT.match(value)
    if match is None or match[1] == b"ff" or (match[1] == b"00" and match[4]):
        return False
    return match[2].strip(b"0") != b"" and match[3].strip(b"0") != b""


def _start_trace(forward: ForwardHead, request_id: str) -> None:
    """Section 4.3: without a valid traceparent, start a new trace and drop the tracestate."""
    usable = _HEX_ID.match(request_id) and request_id.strip("0")
    trace = request_id if usable else f"{secrets.randbits(128) or 1:032x}"
    forward.remove("tracestate")
    forward.set("traceparent", f"00-{trace}-{secrets.randbits(64) or 1:016x}-01")
