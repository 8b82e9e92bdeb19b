"""Adaptive concurrency: how many requests may wait for a server's response at a time. Pure; time is given.

A gradient controller, such as that of Envoy's filter `adaptive_concurrency` and of Netflix's
`concurrency-limits`: the limit grows while responses come as fast as they can, and shrinks as soon as they
come more slowly, because then requests wait in the server's own queue. What is above the limit is refused at
once: an answer that says so early is of more use than one that comes too late.

What differs from those two: chance moves no limit (`median_range`). After a cut only those responses count
that no longer waited in the queue of before. And where a lower limit costs throughput, there was no queue:
then the server has become slower, and its new latency is the measure from then on.

A request counts from its sending, with all of its body, to the response's head. Bodies, streams of events and
tunnels, which go on after that, do not count. A request that waits for far longer than others is a long poll,
and counts no more. Where all wait for so long, it is the server that is slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from math import inf, sqrt

from gateway.upstream.response_window import MedianRange, ResponseWindow, ThroughputLoss, median_range

UNUSED = 20
"""The limit does not fall below this while nothing is refused."""
_WINDOW = 0.1
"""Seconds of responses that one decision is made from; Envoy's `concurrency_update_interval`."""
_LONGEST_WINDOW = 1.0
"""Seconds after which a decision is made from fewer responses than `_ENOUGH`."""
_ENOUGH = 12
_DEEPEST, _FIRST = 0.25, 0.5
"""How far one decision lowers the limit at most: while requests are refused, and before."""
_SPARE = 4
"""The limit is at most so many times what was used lately: a server that nobody asks shows nothing of what it
could take."""
_AFTER_REFUSAL = 0.9
"""What is left of the limit where the server itself has refused requests."""
_DOWN, _UP, _SLOWER = 0.2, 0.02, 10.0
"""How fast the least latency follows a window's; the last: so many times more slowly under the limit."""
_RISE = 2.0
"""The least latency rises so many times at once at most, where the server has become slower."""
_FADES = 0.9
"""How fast the best throughput is forgotten: what is left after each window."""
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
        "_best",
        "_in_flight",
        "_limit",
        "_loss",
        "_measured",
        "_probing",
        "_settings",
        "_starting",
        "_window",
        "min_rtt",
    )

    def __init__(self, settings: AdaptiveConcurrencySettings, now: float) -> None:
        self._settings = settings
        self._limit = float(settings.max_concurrency)
        self._window = ResponseWindow(now)
        self._loss = ThroughputLoss()
        self._in_flight = 0
        self._best = 0.0
        """Responses a second, in the best window of late."""
        self._starting = True
        self._probing = False
        """Whether the least latency is being measured, with half the limit."""
        self._measured = now
        self.min_rtt = inf
        """Seconds: the latency of the server when it has no queue, as far as is known."""

    @property
    def limit(self) -> int:
        """Requests that may wait at a time: half as many while the least latency is measured anew."""
        return int(self._within(self._limit / 2 if self._probing else self._limit))

    @property
    def longest(self) -> float:
        """Seconds from which on a request counts as a long poll; infinite where no latency is known."""
        return max(_LONG, self.min_rtt * _LONG_TIMES)

    def began(self, in_flight: int) -> None:
        """A request was let in; `in_flight`: with it."""
        self._in_flight = in_flight
        self._window.peak = max(self._window.peak, in_flight)

    def refuse(self) -> None:
        """A request was refused because of the limit."""
        self._window.limited = True

    def refused_by_server(self, now: float) -> None:
        """The server has refused a request for want of capacity, which says nothing of its latency."""
        self._window.refused += 1
        self._decide_in_time(now)

    def sample(self, sent: float, now: float, in_flight: int) -> None:
        """A response to a request that was sent at `sent` has come; `in_flight`: without it."""
        self._in_flight = in_flight
        if now >= self._window.begun:
            self._window.add(now - sent)
            self._decide_in_time(now)

    def _decide_in_time(self, now: float) -> None:
        window = self._window
        since = now - window.begun
        responses = window.responses + window.refused
        if since < _WINDOW or (responses < _ENOUGH and since < _LONGEST_WINDOW):
            return
        wait = 0.0
        if window.refused > _REFUSED_SHARE * responses:
            self._starting = False
            self._limit = self._within(self._limit * _AFTER_REFUSAL)
        elif window.responses:
            rate, latency, before = window.rate(now), median_range(window.latencies), self.limit
            self._decide(latency, rate, now)
            if self.limit < before:
                # As long as it takes to answer all that is under way: they have waited in a longer queue.
                wait = max(self._in_flight, window.peak) / rate
            elif self.limit > before and not self._starting:
                wait = latency.median
            wait = min(wait, _LONGEST_WINDOW)
        window.restart(now + wait, self._in_flight)

    def _decide(self, latency: MedianRange, rate: float, now: float) -> None:
        self._best = max(rate, self._best * _FADES)
        if self._probing:
            self._probing, self.min_rtt, self._measured = False, latency.median, now
            self._loss.reset()
            return
        self._note_min_rtt(latency, now)
        if not self._probing:
            self._limit = self._within(self._next_limit(latency, now))

    def _next_limit(self, latency: MedianRange, now: float) -> float:
        limit, window = self._limit, self._window
        fast = latency.low <= self.min_rtt * (1 + self._settings.buffer)
        used = window.peak * 2 >= limit
        if not fast and used:
            return self._lowered(latency, now)
        self._loss.reset()
        if fast and not window.limited and limit < UNUSED:
            return min(limit * 2, float(UNUSED))
        if not used:
            # It was not the limit that bounded anything: nothing is learned of what the server can take.
            self._starting = True
            return min(limit, max(float(UNUSED), float(window.peak * _SPARE)))
        if self._in_flight > 2 * window.mean_in_flight(now) + 1:
            return limit  # far more wait now than those that these responses tell of
        return limit * 2 if self._starting else limit + sqrt(limit)

    def _lowered(self, latency: MedianRange, now: float) -> float:
        limit, window = self._limit, self._window
        self._starting = False
        if window.limited and self._loss.observe(window.responses, now - window.begun):
            self._loss.reset()
            self.min_rtt = min(latency.median, self.min_rtt * _RISE)
            return limit + sqrt(limit)
        gradient = self.min_rtt * (1 + self._settings.buffer) / latency.low
        lowered = limit * max(gradient, _DEEPEST if window.limited else _FIRST)
        # Little's law: without a queue, the best throughput has so many under way.
        lowered = max(lowered, min(limit, self._best * self.min_rtt))
        lowered = min(limit, lowered + sqrt(lowered))
        return lowered if window.limited else max(lowered, min(limit, float(UNUSED)))

    def _note_min_rtt(self, latency: MedianRange, now: float) -> None:
        """Follows the latency down, and much more slowly up.

        Where requests were refused all the time, none had the server for itself: then fewer are let in for a
        moment, and the latency of those counts.
        """
        if self.min_rtt == inf:
            # The first ones may have met a queue already.
            self.min_rtt = latency.median
            self._measured = now + _LONGEST_WINDOW - self._settings.min_rtt_interval
            return
        slower = 1.0
        if self._window.limited:
            slower = _SLOWER
            self._probing = now - self._measured >= self._settings.min_rtt_interval
        else:
            self._measured = max(now, self._measured)
        if latency.high < self.min_rtt:
            self.min_rtt += _DOWN / slower * (latency.high - self.min_rtt)
        elif latency.low > self.min_rtt:
            self.min_rtt += _UP / slower * (latency.low - self.min_rtt)

    def _within(self, limit: float) -> float:
        least, most = self._settings.min_concurrency, self._settings.max_concurrency
        return min(float(most), max(float(min(least, most)), limit))


class ConcurrencyLimiter:
    """The requests that wait for a server's response, up to the limit."""

    __slots__ = ("_quick", "_rule", "_sending", "_tried", "_waiting")

    def __init__(self, settings: AdaptiveConcurrencySettings, now: float) -> None:
        self._rule = ConcurrencyLimit(settings, now)
        self._quick = now
        """When a response last came sooner than those to long polls."""
        self._tried = now
        """When a request was last let in to see whether one still does."""
        self._waiting: dict[object, float] = {}
        """When each was sent, the earliest first."""
        self._sending = set[object]()
        """Those whose body is not complete: however long that takes, the server can do nothing about it."""

    @property
    def limit(self) -> int:
        """Requests that may wait at a time."""
        return self._rule.limit

    def has_room(self, now: float) -> bool:
        """Whether one more may be sent."""
        if len(self._waiting) < self._rule.limit:
            return True
        self._forget_long_polls()
        return len(self._waiting) < self._rule.limit or self._may_try(now)

    def refuse(self) -> None:
        """A request was refused because there is no room."""
        self._rule.refuse()

    def began(self, call: object, now: float, *, whole: bool = True) -> None:
        """A request is on its way. Not `whole`: it waits for a response once it is `sent`."""
        if whole:
            self._waiting[call] = now
            self._rule.began(len(self._waiting))
        else:
            self._sending.add(call)

    def sent(self, call: object, now: float) -> None:
        """The request's body is complete; no harm if it has had its response."""
        if call in self._sending:
            self._sending.remove(call)
            self.began(call, now)

    def responded(self, call: object, status: int, now: float) -> None:
        """The head of the response has come."""
        self._sending.discard(call)
        sent = self._waiting.pop(call, None)
        if sent is None:
            return
        late = now - sent >= self._rule.longest
        if not late:
            self._quick = now
        if status == _REFUSED:
            self._rule.refused_by_server(now)
        elif not (late and self._is_long_poll(sent)):
            self._rule.sample(sent, now, len(self._waiting))

    def left(self, call: object) -> None:
        """The request is over; no harm if it has had its response."""
        self._waiting.pop(call, None)
        self._sending.discard(call)

    def _is_long_poll(self, sent: float) -> bool:
        """Whether a request that was sent then has waited for so long while others did not."""
        return sent + self._rule.longest < self._quick

    def _may_try(self, now: float) -> bool:
        """Whether one more may show if those that have waited for so long are long polls, or nothing is
        answered sooner any more.
        """
        until = now - self._rule.longest
        if self._tried > until or next(iter(self._waiting.values())) > until:
            return False
        self._tried = now
        return True

    def _forget_long_polls(self) -> None:
        # The earliest are first: what comes behind one that is none was sent later.
        for call in list(takewhile(lambda call: self._is_long_poll(self._waiting[call]), self._waiting)):
            del self._waiting[call]
