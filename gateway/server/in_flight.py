"""Requests that the fast path answers, as their client connection sees them."""

from __future__ import annotations

from typing import Protocol

from gateway.http.exchange import Peer
from gateway.server.loop_delay import LoopOverload


class FlowControlled(Protocol):
    """What writes a response, and can be held back."""

    def pause(self) -> None:
        """The client takes no more for now."""

    def resume(self) -> None:
        """The client takes more."""

    def end_stream(self, *, at_once: bool) -> None:
        """The gateway shuts down: ends a response that would go on for ever, as a stream of events does.

        `at_once`: there is no time left to wait for a good moment.
        """


class InFlightRequest(FlowControlled, Protocol):
    """A request that the fast path has taken, as its connection sees it."""

    finished: bool
    """Whether it is over, and the connection knows."""

    def client_disconnected(self) -> None:
        """Ends it at once."""


class BodyReceiver(Protocol):
    """A request on the fast path whose body did not come with its head."""

    def body_received(self, data: bytes, missing: int) -> None:
        """The next piece of the body; `missing`: bytes that have not come yet."""

    def check_pace(self, now: float) -> None:
        """Ends the request if the client is too slow to send its body. `now`: by the event loop's clock."""


class ResponseClient(Protocol):
    """A client connection, as far as a response needs it."""

    @property
    def closing(self) -> bool:
        """Whether the next response is the last."""

    def write(self, data: bytes) -> None:
        """Sends bytes."""

    def abort(self) -> None:
        """Breaks the connection off."""

    def reset(self) -> None:
        """Breaks it off by RST, where a FIN would look like the end of a response."""


class ClientWriter(ResponseClient, Protocol):
    """A client connection, as far as the fast path needs it."""

    @property
    def peer(self) -> Peer:
        """Who holds its other end."""

    def close_after(self) -> None:
        """The next response is to be the last."""

    def await_body(self, missing: int, receiver: BodyReceiver | None) -> None:
        """The next bytes, so many of them, are the request's body. 0: it is not waited for any more."""

    def pause(self) -> None:
        """Stops reading for now."""

    def resume(self) -> None:
        """Reads on."""

    def request_finished(self, *, keep: bool) -> None:
        """The request is over; `keep`: the connection can be used again."""


class OverloadRefuser(Protocol):
    """Refuses requests while the event loop can't keep up."""

    rule: LoopOverload
    """Says whether some are refused now. Every request asks it, so it is no property."""

    def try_refuse(self, data: bytes, client: ClientWriter) -> bool:
        """Refuses the request that `data` is. False: it is to be answered, and nothing was done."""


class RequestTaker(Protocol):
    """The fast path: takes the requests that it can answer without aiohttp."""

    def try_handle(self, data: bytes, client: ClientWriter) -> InFlightRequest | None:
        """Begins to answer the request that `data` is. None: it is left to aiohttp, and nothing was done."""
