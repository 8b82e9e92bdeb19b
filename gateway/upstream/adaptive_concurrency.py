"""Adaptive concurrency: how many requests may wait for a server's response at a time. Pure; time is given.

A gradient controller, such as that of Envoy's filter `adaptive_concurrency` and of Netflix's
`concurrency-limits`: the limit grows while responses come as fast as they can, and shrinks as soon as they
come more slowly, because then requests wait in the server's own queue. What is above the limit is refused at
once: an answer that says so early is of more use than one that comes too late.

A request counts from its sending to the response's head. Bodies, streams of events and tunnels, which go on
after that, do not count. A request that waits for far longer than others is a long poll, and counts no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from statistics import median

UNUSED = 20
"""The limit does not fall below this for want of requests."""
_WINDOW = 0.1
"""Seconds of responses that one decision is made from; Envoy's `concurrency_update_interval`."""
_LONGEST_WINDOW = 1.0
"""Seconds after which a decision is made from fewer responses than `_ENOUGH`."""
_ENOUGH = 30
_MOST = 500
"""Responses that a decision is made from; further ones of a window are left out."""
_LEAST_GRADIENT = 0.5
_SPARE = 4
"""The limit is at most so many times what was used lately: a server that nobody asks shows nothing of what it
could take."""
_AFTER_REFUSAL = 0.9
"""What is left of the limit where the server itself has refused requests."""
_DOWN, _UP, _SLOWER = 0.2, 0.02, 10.0
"""How fast the least latency follows a window's; the last: so many times more slowly under the limit."""
_LONG = 1.0
_LONG_TIMES = 20.0
"""A request that waits longer than this, in seconds and in times of the least latency, is a long poll."""

_REFUSED = 503
"""RFC 9110 section 15.6.4: the server has no capacity. 429 tells of a limit of one client."""
_REFUSED_SHARE = 0.1
"""Of the responses of a window: from this on, the server refuses for want of capacity."""


@dataclass(slots=True, frozen=True, kw_only=True)
class AdaptiveConcurrencySettings:
    """Of an upstream."""

    min_concurrency: int
    """What the limit never falls below."""
    max_concurrency: int
    """What it never passes: the connections that there may be."""
    buffer: float
    """The part of the least latency by which a response may be later and still count as fast."""
    min_rtt_interval: float
    """Seconds after which the least latency is measured anew."""


class ConcurrencyLimit:
    """Samples in, limit out. Times are seconds of a clock that never goes back."""

    __slots__ = (
        "_begun",
        "_limit",
        "_limited",
        "_measured",
        "_peak",
        "_probe",
        "_refused",
        "_samples",
        "_settings",
        "_starting",
        "min_rtt",
    )

    def __init__(self, settings: AdaptiveConcurrencySettings, now: float) -> None:
        self._settings = settings
        self._limit = float(settings.max_concurrency)
        self._samples: list[float] = []
        self._begun = now
        self._peak = 0
        self._refused = 0
        self._limited = False
        self._starting = True
        self._probe: float | None = None
        self._measured = now
        self.min_rtt = inf
        """Seconds: the latency of the server when it has no queue, as far as is known."""

    @property
    def limit(self) -> int:
        """Requests that may wait at a time: half as many while the least latency is measured anew."""
        limit = self._limit if self._probe is None else self._limit / 2
        return int(self._within(limit))

    @property
    def longest(self) -> float:
        """Seconds from which on a request counts as a long poll; infinite where no latency is known."""
        return max(_LONG, self.min_rtt * _LONG_TIMES)

    def began(self, in_flight: int) -> None:
        """A request was let in; `in_flight`: with it."""
        self._peak = max(self._peak, in_flight)

    def refuse(self) -> None:
        """A request was refused because of the limit."""
        self._limited = True

    def refused_by_server(self, now: float) -> None:
        """The server has refused a request for want of capacity, which says nothing of its latency."""
        self._refused += 1
        self._decide_in_time(now)

    def sample(self, sent: float, now: float) -> None:
        """A response to a request that was sent at `sent` has come."""
        # While the least latency is measured, what was sent before has waited behind too many others.
        if len(self._samples) < _MOST and (self._probe is None or sent >= self._probe):
            self._samples.append(now - sent)
        self._decide_in_time(now)

    def _decide_in_time(self, now: float) -> None:
        since = now - self._begun
        responses = len(self._samples) + self._refused
        if since < _WINDOW or (responses < _ENOUGH and since < _LONGEST_WINDOW):
            return
        self._decide(now, refuses=self._refused > _REFUSED_SHARE * responses)
        self._samples.clear()
        self._begun, self._peak, self._refused = now, 0, 0

    def _decide(self, now: float, *, refuses: bool) -> None:
        """`refuses`: the server itself does."""
        if refuses:
            self._starting = False
            self._limit = self._within(self._limit * _AFTER_REFUSAL)
        elif self._samples:
            latency = median(self._samples)
            self._note_min_rtt(latency, now)
            if self._probe is None:
                self._limit = self._within(self._next_limit(latency))

    def _next_limit(self, latency: float) -> float:
        limit = self._limit
        gradient = self.min_rtt * (1 + self._settings.buffer) / latency if latency else 1.0
        if gradient < 1.0 and self._peak * 2 >= limit:
            self._starting = False
            gradient = max(gradient, _LEAST_GRADIENT)
            return limit * gradient + sqrt(limit * gradient)
        if self._peak * 2 < limit:
            # It was not the limit that bounded anything: nothing is learned of what the server can take.
            self._starting = True
            return min(limit, max(UNUSED, self._peak * _SPARE))
        return limit * 2 if self._starting else limit + sqrt(limit)

    def _note_min_rtt(self, latency: float, now: float) -> None:
        """Follows the latency down, and much more slowly up: chance alone makes some windows fast.

        Where requests were refused all the time, none had the server for itself: then fewer are let in for a
        moment, and the latency of those counts.
        """
        if self._probe is not None:
            if now - self._probe >= _WINDOW:
                self._probe, self.min_rtt, self._measured, self._limited = None, latency, now, False
            return
        if self.min_rtt == inf:
            # The first ones may have met a queue already.
            self.min_rtt, self._measured = latency, now + _LONGEST_WINDOW - self._settings.min_rtt_interval
            return
        rate = _DOWN if latency < self.min_rtt else _UP
        if self._limited:
            rate /= _SLOWER
            if now - self._measured >= self._settings.min_rtt_interval:
                self._probe = now + latency
        else:
            self._measured = now
        self._limited = False
        self.min_rtt += rate * (latency - self.min_rtt)

    def _within(self, limit: float) -> float:
        least, most = self._settings.min_concurrency, self._settings.max_concurrency
        return min(float(most), max(float(min(least, most)), limit))


class ConcurrencyLimiter:
    """The requests that wait for a server's response, up to the limit."""

    __slots__ = ("_rule", "_waiting")

    def __init__(self, settings: AdaptiveConcurrencySettings, now: float) -> None:
        self._rule = ConcurrencyLimit(settings, now)
        self._waiting: dict[object, float] = {}
        """When each was sent, the earliest first."""

    @property
    def limit(self) -> int:
        """Requests that may wait at a time."""
        return self._rule.limit

    def has_room(self, now: float) -> bool:
        """Whether one more may be sent."""
        if len(self._waiting) < self._rule.limit:
            return True
        self._forget_long_polls(now)
        return len(self._waiting) < self._rule.limit

    def refuse(self) -> None:
        """A request was refused because there is no room."""
        self._rule.refuse()

    def began(self, call: object, now: float) -> None:
        """A request is on its way."""
        self._waiting[call] = now
        self._rule.began(len(self._waiting))

    def responded(self, call: object, status: int, now: float) -> None:
        """The head of the response has come."""
        sent = self._waiting.pop(call, None)
        if sent is None:
            return
        if status == _REFUSED:
            self._rule.refused_by_server(now)
        elif now - sent < self._rule.longest:
            self._rule.sample(sent, now)

    def left(self, call: object) -> None:
        """The request is over; no harm if it has had its response."""
        self._waiting.pop(call, None)

    def _forget_long_polls(self, now: float) -> None:
        until = now - self._rule.longest
        for call in [call for call, sent in self._waiting.items() if sent < until]:
            del self._waiting[call]
