from dataclasses import dataclass, field

import pytest

from gateway.client_call import walk


@dataclass
class Notes:
    seen: list[str] = field(default_factory=list)


def first(call: Notes, desk: str) -> None:
    call.seen.append(f"first {desk}")


async def second(call: Notes, desk: str) -> None:
    call.seen.append(f"second {desk}")


def failing(call: Notes, desk: str) -> None:
    raise ValueError


async def test_steps_run_in_their_order_whether_they_wait_or_not() -> None:
    notes = Notes()
    await walk((first, second, first), notes, "desk")
    assert notes.seen == ["first desk", "second desk", "first desk"]


async def test_a_step_that_raises_is_the_last() -> None:
    notes = Notes()
    with pytest.raises(ValueError):  # noqa: PT011 (the step's own, as it is)
        await walk((first, failing, second), notes, "desk")
    assert notes.seen == ["first desk"]
