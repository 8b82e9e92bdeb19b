"""Propagates a W3C trace context to the upstream, or starts one."""

import re
import secrets

from gateway.plugin import Exchange, ProxyPlugin, header_values

# W3C Trace Context section 3.2: version, trace-id, parent-id and flags; later versions may have more behind.
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?\Z")
_HEX_ID = re.compile(r"[0-9a-f]{32}\Z")
_NAMES = frozenset({b"traceparent", b"tracestate"})
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
        # Most requests come without any: for these one look at the headers must do.
        if _NAMES.isdisjoint([name.lower() for name, _ in forward.headers]):
            forward.headers.append(_new_parent(exchange.request_id))
            return
        parents = header_values(forward.headers, b"traceparent")
        if len(parents) != 1 or not is_parent(parents[0]):
            # Section 4.3: without a valid traceparent, start a new trace and drop the tracestate.
            forward.remove("tracestate")
            forward.remove("traceparent")
            forward.headers.append(_new_parent(exchange.request_id))
        elif sum(map(len, header_values(forward.headers, b"tracestate"))) > MAX_TRACESTATE:
            forward.remove("tracestate")


def is_parent(value: bytes) -> bool:
    """Whether a traceparent is valid (section 3.2.2)."""
    match = _PARENT.match(value)
    if match is None or match[1] == b"ff" or (match[1] == b"00" and match[4]):
        return False
    return match[2].strip(b"0") != b"" and match[3].strip(b"0") != b""


def _new_parent(request_id: str) -> tuple[bytes, bytes]:
    """The header that starts a trace, which has the request's id where that can be one."""
    usable = _HEX_ID.match(request_id) and request_id.strip("0")
    trace = request_id if usable else secrets.token_hex(16)
    return b"traceparent", f"00-{trace}-{secrets.token_hex(8)}-01".encode()
