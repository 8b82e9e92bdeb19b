"""Where a WebSocket's frames end (RFC 6455 section 5.2), found without looking into them."""

from __future__ import annotations

_CLOSE = 0x8
_LENGTH_16, _LENGTH_64 = 126, 127
_EXTENDED = {_LENGTH_16: 2, _LENGTH_64: 8}
"""Bytes of the length that stands behind these."""
_LONGEST_HEAD = 14
GOING_AWAY_CODE = 1001
"""Section 7.4.1: this end is going down."""
POLICY_VIOLATION = 1008
"""Section 7.4.1: the message, or the connection, violates the policy of this end."""


class FrameFollower:
    """Follows the bytes that one end sends."""

    __slots__ = ("_head", "_left", "closed")

    def __init__(self) -> None:
        self._head = bytearray()
        """The header of the frame that has begun, as far as it has come."""
        self._left = 0
        """Bytes of the present frame's payload that are still to come."""
        self.closed = False
        """Whether a close frame has been sent: nothing may follow it."""

    @property
    def between_frames(self) -> bool:
        """Whether the last byte was the end of a frame. Section 5.4: control frames may go there."""
        return not self._head and not self._left

    def feed(self, data: bytes, *, one_frame: bool = False) -> int:
        """Follows these bytes, or only those up to the end of the present frame; how many those were."""
        at, size = 0, len(data)
        # Most often the bytes are one short frame of a server, which has no mask.
        if size > 1 and data[1] == size - 2 < _LENGTH_16 and not self._left and not self._head:
            self.closed = self.closed or data[0] & 0x0F == _CLOSE
            return size
        while at < size:
            if self._left:
                step = min(self._left, size - at)
                self._left -= step
                at += step
            else:
                at += self._read_head(data[at : at + _LONGEST_HEAD])
            if one_frame and self.between_frames:
                break
        return at

    def _read_head(self, data: bytes) -> int:
        """Reads on in the header of a frame. How many bytes that took: the first two tell of the others."""
        head = self._head
        begun = len(head)
        head += data[: _head_size(head) - begun]
        read = len(head) - begun
        if len(head) == _head_size(head):
            short = head[1] & 0x7F
            extended = _EXTENDED.get(short, 0)
            self._left = int.from_bytes(head[2 : 2 + extended], "big") if extended else short
            self.closed = self.closed or head[0] & 0x0F == _CLOSE
            head.clear()
        return read


def _head_size(head: bytearray) -> int:
    """Bytes of a frame's header, as far as what has come of it tells."""
    if len(head) < 2:  # noqa: PLR2004 (the bytes that every header has)
        return 2
    return 2 + _EXTENDED.get(head[1] & 0x7F, 0) + (4 if head[1] & 0x80 else 0)


def close_frame(code: int, reason: str) -> bytes:
    """Section 5.5.1: what a server ends the connection with. `reason` has at most 123 bytes."""
    payload = code.to_bytes(2, "big") + reason.encode()
    return bytes((0x80 | _CLOSE, len(payload))) + payload
