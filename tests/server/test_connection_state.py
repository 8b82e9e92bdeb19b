"""The states of a client connection, as a table."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.server.connection_state import TRANSITIONS, Event, State
from tests.server.test_aiohttp_server import served

TABLE = """
             FAST_PATH_TOOK AIOHTTP_TOOK REQUEST_STARTED RESPONSE_SENT ANSWERED_EARLY LAST_RESPONSE_SENT REQUEST_READ UPGRADED CLOSED
IDLE         FAST_PATH      HEAD         -               IDLE          DISCARDING     LINGERING          -            -        CLOSED
FAST_PATH    -              -            -               IDLE          DISCARDING     LINGERING          -            -        CLOSED
DISCARDING   -              -            -               -             -              -                  IDLE         -        CLOSED
HEAD         -              -            AIOHTTP         -             -              -                  -            -        CLOSED
AIOHTTP      -              -            AIOHTTP         ANSWERED      -              LINGERING          -            TUNNEL   CLOSED
ANSWERED     -              -            AIOHTTP         -             -              -                  IDLE         -        CLOSED
LINGERING    -              -            -               -             -              -                  -            -        CLOSED
TUNNEL       -              -            -               -             -              CLOSED             -            -        CLOSED
CLOSED       CLOSED         CLOSED       CLOSED          CLOSED        CLOSED         CLOSED             CLOSED       CLOSED   CLOSED
"""  # noqa: E501 (a table)
EVENTS, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
EXPECTED = {
    (State[row[0]], Event[event]): cell for row in ROWS for event, cell in zip(EVENTS, row[1:], strict=True)
}


async def enter(state: State, event: Event) -> State:
    """The state of a connection after an event."""
    connection = served()()
    connection._state = state
    connection._enter(event)
    return connection._state


def test_the_table_names_every_state_and_event() -> None:
    assert set(EXPECTED) == set(product(State, Event))
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize(("state", "event"), EXPECTED, ids=lambda value: value.name)
async def test_each_event_leads_where_the_table_says(state: State, event: Event) -> None:
    cell = EXPECTED[state, event]
    if cell == "-":
        with pytest.raises(RuntimeError, match="client connection"):
            await enter(state, event)
    else:
        assert await enter(state, event) is TRANSITIONS[state][event] is State[cell]


def test_no_way_leads_from_the_last_response_to_another_request() -> None:
    reached, new = set(), {State.LINGERING, State.CLOSED}
    while new:
        reached |= new
        new = {following for state in new for following in TRANSITIONS[state].values()} - reached
    assert reached == {State.LINGERING, State.CLOSED}


def test_every_state_can_be_reached_and_ends() -> None:
    reached = {State.IDLE} | {following for row in TRANSITIONS.values() for following in row.values()}
    assert reached == set(State)
    assert all(row[Event.CLOSED] is State.CLOSED for row in TRANSITIONS.values())
