"""What comes in is held for a coroutine, and held back when it is too much."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from gateway.exchange import ResponseHead
from gateway.upstream.call import Call
from gateway.upstream.errors import UpstreamBroken
from gateway.upstream.receiver import HIGH_WATER, Receiver
from gateway.upstream.sink import Framing

HEAD = ResponseHead(200, b"OK", [])


class Tap:
    """In place of a call: shows whether the upstream is read."""

    def __init__(self) -> None:
        self.open = True

    def pause_reading(self) -> None:
        self.open = False

    def resume_reading(self) -> None:
        self.open = True


def make() -> tuple[Receiver, Tap]:
    receiver, tap = Receiver(None, None), Tap()
    receiver.call = cast(Call, tap)
    return receiver, tap


async def test_too_much_closes_the_tap_until_most_is_taken() -> None:
    receiver, tap = make()
    receiver.on_head(HEAD, Framing.LENGTH)
    for _ in range(5):
        receiver.on_data(bytes(HIGH_WATER // 4))
    assert not tap.open
    for taken in range(3):
        await receiver.next_piece()
        assert not tap.open, taken
    await receiver.next_piece()
    assert tap.open


async def test_a_piece_is_waited_for() -> None:
    receiver, _ = make()
    receiver.on_head(HEAD, Framing.LENGTH)
    waiting = asyncio.create_task(receiver.next_piece())
    await asyncio.sleep(0)
    receiver.on_data(b"x")
    receiver.on_end([(b"T", b"v")])
    assert await waiting == b"x"
    assert await receiver.next_piece() is None
    assert receiver.trailers == [(b"T", b"v")]


async def test_what_came_before_an_error_is_given_first() -> None:
    receiver, _ = make()
    receiver.on_head(HEAD, Framing.LENGTH)
    receiver.on_data(b"x")
    receiver.on_error(UpstreamBroken("gone"))
    assert receiver.take_all() is None
    assert await receiver.next_piece() == b"x"
    for _ in range(2):
        with pytest.raises(UpstreamBroken):
            await receiver.next_piece()


async def test_all_at_once() -> None:
    receiver, _ = make()
    receiver.on_whole(HEAD, Framing.LENGTH, b"whole", [])
    await receiver.wait_for_head()
    assert receiver.take_all() == b"whole"
    assert await receiver.next_piece() is None


async def test_after_the_end_nothing_can_break() -> None:
    receiver, _ = make()
    receiver.on_whole(HEAD, Framing.LENGTH, b"", [])
    receiver.break_off(ValueError())
    assert receiver.error is None


async def test_only_the_first_error_counts() -> None:
    receiver, _ = make()
    receiver.break_off(KeyError("first"))
    receiver.break_off(ValueError("second"))
    with pytest.raises(KeyError):
        await receiver.wait_for_head()


async def test_hints_go_to_whoever_asked_for_them() -> None:
    heard: list[ResponseHead] = []
    Receiver(None, heard.append).on_informational(HEAD)
    make()[0].on_informational(HEAD)
    assert heard == [HEAD]


async def test_whoever_writes_waits_for_room() -> None:
    receiver, _ = make()
    assert not receiver.room.is_set()
    receiver.resume_writing()
    assert receiver.room.is_set()
    receiver.pause_writing()
    assert not receiver.room.is_set()
    receiver.on_error(UpstreamBroken("gone"))
    assert receiver.room.is_set()
