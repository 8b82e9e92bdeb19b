"""Propagates a W3C trace context to the upstream, or starts one."""

import re

from gateway.plugin import Exchange, PluginConfig, PluginContext, ProxyPlugin, hex_ids

# W3C Trace Context section 3.2: version, trace-id, parent-id and flags; later versions may have more behind.
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?\Z")
_TRACE_BYTES = 16
_NO_TRACE = bytes(_TRACE_BYTES)
MAX_TRACESTATE = 512
"""Bytes. Longer tracestate may be dropped (section 3.3.1.5)."""


class Trace(ProxyPlugin):
    """Propagates traces unchanged; the gateway records no spans of its own."""

    foreseeable = True

    def __init__(self, config: PluginConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._new_trace_id, self._new_parent_id = hex_ids(16), hex_ids(8)

    def on_forward(self, exchange: Exchange) -> None:
        """Forwards a valid traceparent unchanged; otherwise starts a new trace."""
        forward = exchange.forward
        if forward is None:
            return
        parents, states = forward.values(b"traceparent"), forward.values(b"tracestate")
        if len(parents) == 1 and is_parent(parents[0]):
            if sum(map(len, states)) > MAX_TRACESTATE:
                forward.remove("tracestate")
            return
        # Section 4.3: without a valid traceparent, start a new trace and drop the tracestate.
        if states:
            forward.remove("tracestate")
        if parents:
            forward.remove("traceparent")
        trace = exchange.request_id if is_trace_id(exchange.request_id) else self._new_trace_id()
        forward.add(b"traceparent", f"00-{trace}-{self._new_parent_id()}-01".encode())


def is_parent(value: bytes) -> bool:
    """Whether a traceparent is valid (section 3.2.2)."""
    match = _PARENT.match(value)
    if match is None or match[1] == b"ff" or (match[1] == b"00" and match[4]):
        return False
    return match[2].strip(b"0") != b"" and match[3].strip(b"0") != b""


def is_trace_id(value: str) -> bool:
    """Whether it could be the id of a trace (section 3.2.2.3)."""
    try:
        read = bytes.fromhex(value)
    except ValueError:
        return False
    # That takes upper case and spaces, too.
    return len(read) == _TRACE_BYTES and read.hex() == value and read != _NO_TRACE
