from dataclasses import dataclass, field

import pytest

from gateway.steps.client_call import Step, waiting, walk, walk_now, walk_on


@dataclass
class Notes:
    seen: list[str] = field(default_factory=list)


def first(call: Notes, desk: str) -> None:
    call.seen.append(f"first {desk}")


@waiting
async def second(call: Notes, desk: str) -> None:
    call.seen.append(f"second {desk}")


def failing(call: Notes, desk: str) -> None:
    raise ValueError


async def test_steps_run_in_their_order_whether_they_wait_or_not() -> None:
    notes = Notes()
    await walk((first, second, first), notes, "desk")
    assert notes.seen == ["first desk", "second desk", "first desk"]


async def test_a_way_without_waiting_is_walked_at_once() -> None:
    notes = Notes()
    assert walk_now((first, first), notes, "desk") is None
    assert notes.seen == ["first desk", "first desk"]


async def test_a_way_is_walked_as_far_as_it_goes_and_then_on() -> None:
    notes = Notes()
    left = walk_now((first, second, first, second), notes, "desk")
    assert notes.seen == ["first desk"]
    await walk_on(left, notes, "desk")
    assert notes.seen == ["first desk", "second desk", "first desk", "second desk"]


@pytest.mark.parametrize("steps", [(first, failing, second), (second, first, failing, second)])
async def test_a_step_that_raises_is_the_last(steps: tuple[Step[Notes, str], ...]) -> None:
    notes = Notes()
    with pytest.raises(ValueError):  # noqa: PT011 (the step's own, as it is)
        await walk(steps, notes, "desk")
    assert notes.seen[-1] == "first desk"


def test_a_step_keeps_its_name() -> None:
    assert second.__name__ == "second"
