import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.oauth_flows.client_request import Step, run_steps
from gateway.server.eager import run_eagerly


@dataclass
class Notes:
    seen: list[str] = field(default_factory=list)


def first(call: Notes, services: str) -> None:
    call.seen.append(f"first {services}")


async def second(call: Notes, services: str) -> None:
    await asyncio.sleep(0)
    call.seen.append(f"second {services}")


def failing(call: Notes, services: str) -> None:
    raise ValueError


async def test_steps_run_in_their_order_whether_they_wait_or_not() -> None:
    notes = Notes()
    await run_steps((first, second, first), notes, "services")
    assert notes.seen == ["first services", "second services", "first services"]


async def test_steps_that_do_not_wait_are_over_at_once() -> None:
    notes = Notes()
    assert run_eagerly(run_steps((first, first), notes, "services")) is None
    assert notes.seen == ["first services", "first services"]


async def test_steps_run_as_far_as_nothing_waits_and_then_on_in_a_task() -> None:
    notes = Notes()
    task = run_eagerly(run_steps((first, second, first, second), notes, "services"))
    assert notes.seen == ["first services"]
    assert task is not None
    await task
    assert notes.seen == ["first services", "second services", "first services", "second services"]


@pytest.mark.parametrize("steps", [(first, failing, second), (second, first, failing, second)])
async def test_a_step_that_raises_is_the_last(steps: tuple[Step[Notes, str], ...]) -> None:
    notes = Notes()
    with pytest.raises(ValueError):  # noqa: PT011 (the step's own, as it is)
        await run_steps(steps, notes, "services")
    assert notes.seen[-1] == "first services"
