import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.websocket_frames import POLICY_VIOLATION, FrameFollower, close_frame


def frame(payload: bytes, *, opcode: int = 1, final: bool = True, masked: bool = False) -> bytes:
    """RFC 6455 section 5.2, written out."""
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 1 << 16:
        head += bytes([mask | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mask | 127]) + size.to_bytes(8, "big")
    return head + (b"mask" if masked else b"") + payload


SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 70_000)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("masked", [False, True])
def test_a_frame_ends_behind_its_last_byte(size: int, masked: bool) -> None:
    data = frame(os.urandom(size), masked=masked)
    follower = FrameFollower()
    assert follower.between_frames
    assert follower.feed(data[:-1]) == len(data) - 1
    assert not follower.between_frames
    follower.feed(data[-1:])
    assert follower.between_frames


def test_only_the_rest_of_the_present_frame_is_taken() -> None:
    first, second = frame(b"hello", final=False), frame(b"world", opcode=0)
    follower = FrameFollower()
    follower.feed(first[:3])
    rest = first[3:] + second
    assert follower.feed(rest, one_frame=True) == len(first) - 3
    assert follower.between_frames


def test_a_close_frame_is_noticed() -> None:
    follower = FrameFollower()
    follower.feed(frame(b"x"))
    assert not follower.closed
    follower.feed(close_frame(POLICY_VIOLATION, "over"))
    assert follower.closed
    assert follower.between_frames


def test_the_close_frame_has_its_code_and_reason() -> None:
    # Section 5.5.1: the code is the first two bytes of the payload; a server's frame has no mask.
    assert close_frame(1008, "over") == b"\x88\x06\x03\xf0over"


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=8), st.lists(st.integers(1, 50)))
def test_however_the_bytes_are_cut_the_frames_end_in_the_same_places(
    frames: list[tuple[int, bool]], cuts: list[int]
) -> None:
    made = [frame(b"x" * size, masked=masked) for size, masked in frames]
    ends, position = set(), 0
    for one in made:
        position += len(one)
        ends.add(position)
    data, follower, at = b"".join(made), FrameFollower(), 0
    for cut in [*cuts, len(data)]:
        follower.feed(data[at : at + cut])
        at = min(at + cut, len(data))
        assert follower.between_frames == (at in ends or at == 0)
