"""The fast path of `/auth/verify`: questions of proxies are answered while their bytes are received.

The rules and answers are those of the way through aiohttp (`gateway.web.verify_endpoint`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from gateway.http.asking_proxies import AskingProxies
from gateway.http.exchange import Exchange
from gateway.proxy.question_cache import CachedQuestion, question_reader
from gateway.proxy.verification import verify
from gateway.server.in_flight import ClientWriter, InFlightRequest, RequestTaker
from gateway.web.proxy_request import ProxyRequest
from gateway.web.proxy_services import ProxyServices
from gateway.web.verify_endpoint import VerifyEndpoint

_LONGEST_METHOD: Final = 16
"""Bytes in which the method of a simple request ends."""


@dataclass(frozen=True, slots=True)
class VerifyFastPath:
    """Takes questions, and leaves all other requests to the fast path behind it."""

    others: RequestTaker
    services: ProxyServices
    proxies: AskingProxies
    new_id: Callable[[], str]
    prefixes: tuple[bytes, ...]
    """The paths of the endpoint."""
    read: Callable[[bytes], CachedQuestion | None]
    """Reads a question's head (`gateway.proxy.question_cache.question_reader`)."""

    def try_handle(self, data: bytes, client: ClientWriter) -> InFlightRequest | None:
        """Begins to answer the request that `data` is. None: it is left to aiohttp, and nothing was done."""
        if not data.startswith(self.prefixes, data.find(b" ", 0, _LONGEST_METHOD) + 1):
            return self.others.try_handle(data, client)
        end = data.find(b"\r\n\r\n") + 4
        question = self.read(data[:end])
        # Its body must be whole, and nothing may follow it.
        if question is None or len(data) - end != question.length:
            return None
        request = question.request_from(client.peer, self.proxies)
        if request is None:
            return None
        if question.last:
            client.close_after()
        exchange = Exchange(request, question.route, self.new_id())
        verification = VerifyRequest(self.services, exchange, client)
        verification.ask(question)
        return verification


def with_questions(others: RequestTaker, endpoint: VerifyEndpoint, new_id: Callable[[], str]) -> RequestTaker:
    """The fast path, with that of the endpoint before it where there is anybody who may ask."""
    if not endpoint.proxies.exist:
        return others
    read = question_reader(endpoint.services.routes, endpoint.prefixes, endpoint.limits)
    return VerifyFastPath(others, endpoint.services, endpoint.proxies, new_id, endpoint.prefixes, read)


class VerifyRequest(ProxyRequest):
    """A question on the fast path. Its answer is the gateway's own: nothing goes upstream."""

    __slots__ = ()

    def ask(self, question: CachedQuestion) -> None:
        """Judges the request until the answer is out, or a phase waits."""
        self._began = perf_counter()
        self.finished = False
        self._services.recorder.telemetry.in_flight += 1
        try:
            outcome = verify(self._exchange, self._services, question)
        except Exception as error:  # whatever a plugin raises ends the request: a broken guard lets nobody in
            self._refuse(error)
        else:
            self._go_on(outcome)

    def _record(self, *, keep: bool) -> None:
        seconds = perf_counter() - self._began
        self._services.recorder.verification(self._exchange, self._status, self._size, seconds)
        self.finished = True
        self._client.request_finished(keep=keep)
