"""The states of a client connection, and what leads from one to the next.

    state       whose are the bytes that arrive          what is going on
    IDLE        the next request's                       waiting for a request
    FAST_PATH   its body's; then later requests': held   the fast path answers a request
    DISCARDING  its body's: discarded; then held         the response is out, the body still arrives
    HEAD        aiohttp's request's                      aiohttp has the first bytes, not the whole head
    AIOHTTP     aiohttp's request's; then held           aiohttp's application answers a request
    ANSWERED    aiohttp's request's; then held           the response is out, the body still arrives
    LINGERING   its request's; then discarded            the same, but that response was the last
    TUNNEL      the tunnel's                             another protocol (RFC 9110 section 7.8)
    CLOSED      nobody's: discarded                      this end has closed, or the other has gone

RFC 9112 section 9.6: once the last response is out, requests that arrive must not be processed. So no event
leads from LINGERING or CLOSED to a state in which a request can begin. Those that arrive while the last
response is being written are held, as before any other response, and discarded with it.

Two facts are no states: that the next response is to be the last (the request, or a shutdown, asks for it),
and that the client does not take what was written (then nothing new begins in IDLE).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, NoReturn


class State(Enum):
    """Where a connection is. The table above says what each means."""

    # Each member is the only one of its kind; an Enum's own hash is many times slower.
    __hash__ = object.__hash__

    IDLE = "idle"
    FAST_PATH = "fast path"
    DISCARDING = "discarding"
    HEAD = "head"
    AIOHTTP = "aiohttp"
    ANSWERED = "answered"
    LINGERING = "lingering"
    TUNNEL = "tunnel"
    CLOSED = "closed"


class Event(Enum):
    """What changes it."""

    __hash__ = object.__hash__

    FAST_PATH_TOOK = "the fast path has taken a request, and answers it later"
    AIOHTTP_TOOK = "aiohttp is given the first bytes of a request"
    REQUEST_STARTED = "aiohttp has a whole head, and begins to answer it"
    RESPONSE_SENT = "a response is out; the connection can be used again"
    ANSWERED_EARLY = "the same of the fast path, before the request's last byte has arrived"
    LAST_RESPONSE_SENT = "a response is out after which the connection ends"
    REQUEST_READ = "the last byte of the request has arrived"
    UPGRADED = "101 (Switching Protocols) goes out"
    CLOSED = "this end has closed, or the other has gone"


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.IDLE: {
        Event.FAST_PATH_TOOK: State.FAST_PATH,
        # The fast path has answered before it returned.
        Event.RESPONSE_SENT: State.IDLE,
        Event.ANSWERED_EARLY: State.DISCARDING,
        Event.LAST_RESPONSE_SENT: State.LINGERING,
        Event.AIOHTTP_TOOK: State.HEAD,
        Event.CLOSED: State.CLOSED,
    },
    State.FAST_PATH: {
        Event.RESPONSE_SENT: State.IDLE,
        Event.ANSWERED_EARLY: State.DISCARDING,
        Event.LAST_RESPONSE_SENT: State.LINGERING,
        Event.CLOSED: State.CLOSED,
    },
    State.DISCARDING: {
        Event.REQUEST_READ: State.IDLE,
        Event.CLOSED: State.CLOSED,
    },
    State.HEAD: {
        Event.REQUEST_STARTED: State.AIOHTTP,
        Event.CLOSED: State.CLOSED,
    },
    State.AIOHTTP: {
        # Where only aiohttp's parser knows where a body ends, it may find the next request by itself.
        Event.REQUEST_STARTED: State.AIOHTTP,
        Event.RESPONSE_SENT: State.ANSWERED,
        Event.LAST_RESPONSE_SENT: State.LINGERING,
        Event.UPGRADED: State.TUNNEL,
        Event.CLOSED: State.CLOSED,
    },
    State.ANSWERED: {
        Event.REQUEST_STARTED: State.AIOHTTP,
        Event.REQUEST_READ: State.IDLE,
        Event.CLOSED: State.CLOSED,
    },
    State.LINGERING: {Event.CLOSED: State.CLOSED},
    State.TUNNEL: {
        Event.LAST_RESPONSE_SENT: State.CLOSED,
        Event.CLOSED: State.CLOSED,
    },
    State.CLOSED: dict.fromkeys(Event, State.CLOSED),
}
"""What each event leads to. An event that is not there can't happen in that state (`impossible`)."""


def impossible(state: State, event: Event) -> NoReturn:
    """Raises RuntimeError: the table has no place for this event."""
    raise RuntimeError(f"client connection: {event.value!r} can't happen in state {state.value!r}")
