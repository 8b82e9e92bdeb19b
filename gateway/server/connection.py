"""A client connection: the fast path and aiohttp take requests from it in turn, and it may become a tunnel.

Its states and what leads from one to the next are in `gateway.server.connection_state`.

What goes to aiohttp, and comes from it, goes through `gateway.server.aiohttp_requests`. While the fast path
answers a request, aiohttp sees nothing of the connection. What arrives before a response is out is held.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aiohttp import web

from gateway.http.limit_names import HEADER_TIMEOUT, IDLE
from gateway.http.problems import BAD_REQUEST, SLOW_REQUEST, Problem
from gateway.http.responses import problem_response, response_bytes
from gateway.server.aiohttp_handler import AiohttpHandler
from gateway.server.aiohttp_requests import AiohttpRequests
from gateway.server.connection_state import TRANSITIONS, Event, State, impossible
from gateway.server.in_flight import BodyReceiver, FlowControlled, InFlightRequest
from gateway.server.settings import LINGERING, ConnectionSettings, ServerHandle
from gateway.server.transport import ClientTransport
from gateway.server.tunnel import TunnelRelay

HELD_LIMIT: Final = 65_536
"""Bytes held that arrive before a response is out; from then on the client is not read."""
# Python 3.11 takes ten times as long for an enumeration's attribute as for a name. Every request uses these.
_IDLE: Final = State.IDLE
_CLOSED: Final = State.CLOSED
_FAST_PATH_TOOK: Final = Event.FAST_PATH_TOOK
_RESPONSE_SENT: Final = Event.RESPONSE_SENT
_AIOHTTP_READS: Final = frozenset({State.HEAD, State.AIOHTTP, State.ANSWERED, State.LINGERING})
"""The states in which the bytes of aiohttp's request may still arrive."""
_AT_REST: Final = frozenset({State.IDLE, State.DISCARDING, State.ANSWERED, State.LINGERING})
"""The states in which no response is under way."""


class Connection(ClientTransport):
    """One client connection."""

    __slots__ = (
        "_aiohttp",
        "_held",
        "_idle_until",
        "_in_flight",
        "_in_flight_done",
        "_last",
        "_missing",
        "_receiver",
        "_server",
        "_settings",
        "_state",
        "_tunnel",
    )

    def __init__(
        self, server: ServerHandle, settings: ConnectionSettings, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(settings.connection_manager, loop)
        self._server = server
        self._settings = settings
        self._state = _IDLE
        self._last = False
        """Whether the next response is to be the last."""
        self._in_flight: InFlightRequest | None = None
        """What the fast path answers now."""
        self._in_flight_done: asyncio.Future[None] | None = None
        self._missing = 0
        """Bytes still to come of the body of the fast path's request."""
        self._receiver: BodyReceiver | None = None
        """Who gets them; None: they are discarded."""
        self._aiohttp: AiohttpRequests | None = None
        """None: aiohttp has had no request of this connection."""
        self._tunnel: TunnelRelay | None = None
        self._held = b""
        self._idle_until = loop.time() + settings.idle_timeout

    def _enter(self, event: Event) -> None:
        self._state = TRANSITIONS[self._state].get(event) or impossible(self._state, event)

    # What the transport calls.

    def refuse_plain_http(self, wire: asyncio.Transport) -> bool:
        self.connection_made(wire)
        self.refuse(Problem(BAD_REQUEST, "This port speaks TLS: use https.", close=True))
        self.hang_up()
        return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.transport is None:
            self._enter(Event.CLOSED)

    @property
    def awaits_last_response(self) -> bool:
        """Whether the fast path answers the last request, of which nothing is missing."""
        return self._last and self._state is State.FAST_PATH and not self._missing

    def data_received(self, data: bytes) -> None:
        """Bytes have come: of the next request, of a body, of aiohttp's, of a later one, or of the tunnel."""
        state = self._state
        if state is _IDLE and not self._paused:
            self._begin(data)
        elif self._missing:
            self._take_body(data)
        elif state in _AIOHTTP_READS:
            self._feed(data)
        elif self._tunnel is not None:
            self._tunnel.client_sent(data)
        elif state is not _CLOSED:
            # Back-pressure: in IDLE, while the client does not take the responses that are out.
            self._hold(data)

    def eof_received(self) -> bool:
        """The client has sent its last byte. Returns whether this end may still write: in a tunnel."""
        if self._tunnel is None or self.transport is None or not self.transport.can_write_eof():
            return False
        self._tunnel.client_ended()
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._in_flight is not None:
            self._in_flight.pause()
        if self._aiohttp is not None:
            self._aiohttp.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._in_flight is not None:
            self._in_flight.resume()
        if self._aiohttp is not None:
            self._aiohttp.resume_writing()
        if self._held and self._state is _IDLE:
            self._next()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._enter(Event.CLOSED)
        if self._in_flight is not None:
            self._in_flight.client_disconnected()
        super().connection_lost(exc)
        if self._tunnel is not None:
            self._tunnel.client_ended()
        # They know this connection: without this, only the garbage collector would find them.
        aiohttp, self._aiohttp, self._tunnel = self._aiohttp, None, None
        if aiohttp is not None:
            aiohttp.connection_lost(exc)

    # A request begins, on the fast path or with aiohttp.

    def _begin(self, data: bytes) -> None:
        overload = self._settings.overload
        if overload is not None and overload.rule.refusing and overload.try_refuse(data, self):
            self._refused()
            return
        fast_path = self._settings.fast_path
        in_flight = None if fast_path is None else fast_path.try_handle(data, self)
        if in_flight is None:
            self._begin_with_aiohttp(data)
        elif not in_flight.finished:
            self._in_flight = in_flight
            self._enter(_FAST_PATH_TOOK)

    def _refused(self) -> None:
        """A request was refused before it had begun: the next one may come, or this end closes."""
        if self._last:
            self.hang_up()
        else:
            self._next()

    def _take_body(self, data: bytes) -> None:
        """The next piece of the body of the fast path's request, and perhaps what comes behind it."""
        missing = self._missing - len(data)
        if missing < 0:
            if self._state is not State.LINGERING:
                self._hold(data[missing:])
            data, missing = data[:missing], 0
        self._missing = missing
        receiver = self._receiver
        if receiver is not None:
            if not missing:
                self._receiver = None
            receiver.body_received(data, missing)
        elif missing:
            return
        elif self._state is State.LINGERING:
            self.hang_up()
        else:
            self._enter(Event.REQUEST_READ)
            self._next()

    def _begin_with_aiohttp(self, data: bytes) -> None:
        if self._aiohttp is None:
            self._aiohttp = AiohttpRequests(self._new_handler, self._settings.limits)
        self._aiohttp.begin(self._loop.time())
        self._enter(Event.AIOHTTP_TOOK)
        self._feed(data)

    def _new_handler(self) -> AiohttpHandler:
        assert self.transport is not None  # noqa: S101 (for mypy: bytes have just come)
        handler = self._server.handler(self)
        handler.connection_made(self.transport)
        if self._paused:
            handler.pause_writing()
        return handler

    def _feed(self, data: bytes) -> None:
        """Gives aiohttp what belongs to its request, and holds the rest."""
        assert self._aiohttp is not None  # noqa: S101 (for mypy: `_begin_with_aiohttp` has made it)
        try:
            behind = self._aiohttp.feed(data)
        except Problem as problem:
            self.refuse(problem)
            self.hang_up()
            return
        if behind and self._state is not State.LINGERING:
            self._hold(behind)
        self._next_if_read(parsed=False)

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > HELD_LIMIT:
            self.pause()

    # What aiohttp's handler says.

    def request_started(self) -> None:
        """The head is whole."""
        self._enter(Event.REQUEST_STARTED)
        if self._aiohttp is not None:
            self._aiohttp.request_started()

    def control_flow_of(self, response: FlowControlled | None) -> None:
        """From now on `response` is paused and resumed as the client takes it; None: nothing is."""
        if self._aiohttp is not None:
            self._aiohttp.response = response
        if response is not None and self._paused:
            response.pause()

    def response_sent(self, request: web.BaseRequest, *, keep: bool) -> None:
        """The response is out; `keep`: aiohttp would answer another request."""
        self._idle_until = self._loop.time() + self._settings.idle_timeout
        if keep and not self._last:
            self._enter(_RESPONSE_SENT)
            self._next_if_read(parsed=request.content.is_eof())
        else:
            # aiohttp reads the rest of the request, as far as it waits for that, and closes.
            self._enter(Event.LAST_RESPONSE_SENT)
            self._held = b""

    def _next_if_read(self, *, parsed: bool) -> None:
        """Turns to the next request, once aiohttp's has been read and answered."""
        aiohttp = self._aiohttp
        if self._state is State.ANSWERED and aiohttp is not None and aiohttp.request_read(parsed=parsed):
            self._enter(Event.REQUEST_READ)
            self._next()

    # What the fast path says.

    @property
    def closing(self) -> bool:
        """Whether the next response is the last."""
        return self._last or self._server.shutting_down

    def close_after(self) -> None:
        """The next response is to be the last."""
        self._last = True

    def await_body(self, missing: int, receiver: BodyReceiver | None) -> None:
        """The next bytes, so many of them, are the request's body. 0: it is not waited for any more."""
        self._missing, self._receiver = missing, receiver

    def request_finished(self, *, keep: bool) -> None:
        """The fast path's request is over; `keep`: its response lets the connection go on."""
        self._in_flight = None
        if self._in_flight_done is not None:
            self._in_flight_done.set_result(None)
            self._in_flight_done = None
        if self._missing:
            self._finished_early(keep=keep)
        elif keep and not self._last:
            self._enter(_RESPONSE_SENT)
            self._next()
        else:
            self.hang_up()

    def _finished_early(self, *, keep: bool) -> None:
        """The rest of the body is taken before anything else happens: who sends it might not hear otherwise
        what the response was.
        """
        self._receiver = None
        self._idle_until = self._loop.time() + min(LINGERING, self._settings.idle_timeout)
        if keep and not self._last:
            self._enter(Event.ANSWERED_EARLY)
        else:
            self._enter(Event.LAST_RESPONSE_SENT)
            self._held = b""

    def _next(self) -> None:
        """Waits for the next request, or begins with what has come of it."""
        self._idle_until = self._loop.time() + self._settings.idle_timeout
        if self._held:
            held, self._held = self._held, b""
            if len(held) > HELD_LIMIT:
                self.resume()
            self.data_received(held)

    # What ends it.

    def check_timeouts(self, now: float) -> bool:
        """Ends the connection where its client takes too long to send a request, or to take a response.
        Whether it has to do either.
        """
        waits = super().check_timeouts(now)
        if self._receiver is not None:
            waits = True
            self._receiver.check_pace(now)
        elif self._state is State.HEAD and self._aiohttp is not None:
            waits = True
            if now - self._aiohttp.began > self._settings.header_timeout:
                self.refuse(Problem(SLOW_REQUEST, close=True, limit=HEADER_TIMEOUT))
                self.hang_up()
        elif now > self._idle_until and self._state in _AT_REST:
            if not self._missing:
                self._connection_manager.reached(IDLE, self.address)
            self.hang_up()
        return waits

    def become_tunnel(self, tunnel: TunnelRelay) -> None:
        """From here on the client's bytes are no HTTP: aiohttp sees no more of them."""
        self._enter(Event.UPGRADED)
        self._tunnel = tunnel
        held, self._held = self._held, b""
        self.resume()
        self.control_flow_of(tunnel)
        if held:
            tunnel.client_sent(held)

    def going_away(self, *, at_once: bool) -> None:
        """The gateway shuts down: ends what would go on for ever. `at_once`: there is no time left."""
        if self._in_flight is not None:
            self._in_flight.end_stream(at_once=at_once)
        if self._aiohttp is not None:
            self._aiohttp.end_stream(at_once=at_once)

    def refuse(self, problem: Problem) -> None:
        """Answers what can't be read as a request."""
        request_id, now = self._settings.new_id(), self._settings.clock()
        answer = problem_response(problem, request_id)
        self._settings.refused(self.peer.address, request_id, problem, len(answer.body))
        self.write(response_bytes(answer, [], method="GET", version=(1, 1), keep_alive=False, now=now))

    def close(self) -> None:
        """Closes when nothing is in flight any more."""
        self._last = True
        if self._state in (State.HEAD, State.AIOHTTP):
            if self._aiohttp is None or not self._aiohttp.close_after_response():
                self.hang_up()
        elif self._state in _AT_REST:
            self.hang_up()

    def hang_up(self) -> None:
        """Closes when all that was written is out. What still arrives is discarded."""
        self._enter(Event.CLOSED)
        self._held, self._missing, self._receiver = b"", 0, None
        super().hang_up()

    async def shutdown(self, timeout: float | None) -> None:  # noqa: ASYNC109 (as aiohttp's own)
        """Waits for what is in flight, up to `timeout` seconds; then ends it."""
        self._last = True
        if self._in_flight is not None:
            self._in_flight_done = self._loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await asyncio.shield(self._in_flight_done)
        if self._in_flight is not None:
            self._in_flight.client_disconnected()
        if self._aiohttp is not None:
            await self._aiohttp.shutdown(timeout)
        self.hang_up()
