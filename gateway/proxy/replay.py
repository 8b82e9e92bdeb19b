"""How logged requests would fare with another configuration. Pure: nothing is sent, and no file is read.

A line of the access log tells method, path, route, status and client, but neither query, headers nor scopes.
So a client is judged with all the scopes that it may ask for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.http.problems import Problem
from gateway.oauth.model import TokenInfo
from gateway.proxy.explain import example_head, example_token_info
from gateway.proxy.route_table import RouteTable
from gateway.proxy.verdict import PASSES, Verdict, judge_request

MAX_REMEMBERED = 16_384
"""Verdicts that are remembered, since most requests come again."""
MAX_GROUPS = 2_000
"""Ways of faring otherwise that are told apart; what is beyond is counted together."""
NOBODY = "-"

# What the configuration decides; other codes tell of the state of store, upstreams and limits.
_DECIDED = frozenset({"900901", "900902", "900908", "900910", "400", "403", "404", "405", "501"})
_UNAUTHORIZED, _FORBIDDEN = 401, 403


@dataclass(frozen=True, slots=True)
class Fared:
    """One request as it was logged, as far as it matters here."""

    method: str
    path: str
    host: str
    client: str
    """`-`: none is known."""
    route: str
    """`-`: none took it."""
    status: int
    passed: bool | None
    """Whether it went upstream, or would have; None: the line does not tell."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A way in which requests would fare otherwise."""

    client: str
    method: str
    route: str
    """That which took them; `-`: none did."""
    was: int
    """The logged status."""
    would: int
    """The status that they would get; `PASSES`: they would go upstream."""
    to: str
    """The route that would take them; `-`: none would."""
    reason: str


@dataclass(slots=True)
class Replayed:
    """What has been found out so far."""

    judged: int = 0
    otherwise: Counter[Otherwise] = field(default_factory=Counter)
    examples: dict[Otherwise, str] = field(default_factory=dict)
    """A path for each."""
    further: int = 0
    """Those that fare otherwise beyond `MAX_GROUPS` ways."""
    strangers: Counter[str] = field(default_factory=Counter)
    """Requests of clients that the configuration does not have: only their routes were judged."""
    unknown: int = 0
    """Requests of which the log does not tell whether the gateway refused them."""

    @property
    def total(self) -> int:
        """Requests that would fare otherwise."""
        return self.otherwise.total() + self.further


def went_upstream(route: str, status: int, error: str | None, *, error_known: bool) -> bool | None:
    """Whether the gateway let a logged request pass; None: the line does not tell.

    `error`: the gateway's code, where `error_known`.
    """
    if route == NOBODY:
        return False
    if error_known:
        return error not in _DECIDED
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        # The gateway's refusal, or the upstream's own.
        return None
    return True


class Replay:
    """Judges logged requests by a route table and the clients' tokens."""

    def __init__(self, routes: RouteTable, tokens: Mapping[str, TokenInfo | str]) -> None:
        """`tokens`: for each client, by id, the most that it can get, or why it gets nothing."""
        self._routes = routes
        self._tokens = tokens
        self._verdicts: dict[tuple[str, str, str, str], Verdict] = {}
        self.found = Replayed()

    def add(self, request: Fared) -> None:
        """Judges one request."""
        found = self.found
        found.judged += 1
        stranger = request.client != NOBODY and request.client not in self._tokens
        if stranger:
            found.strangers[request.client if len(found.strangers) < MAX_GROUPS else NOBODY] += 1
        verdict = self._verdict(request)
        if request.passed is None:
            # Refused as before, as far as the line tells; or let in, and nobody knows whether it was before.
            found.unknown += verdict.status == PASSES and verdict.route is not None
        elif (change := _change(request, verdict)) is not None:
            self._note(change, request.path)

    def _verdict(self, request: Fared) -> Verdict:
        key = (request.method, request.path, request.host, request.client)
        verdict = self._verdicts.get(key)
        if verdict is None:
            if len(self._verdicts) >= MAX_REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[key] = self._judge(*key)
        return verdict

    def _note(self, change: Otherwise, path: str) -> None:
        found = self.found
        if change not in found.otherwise and len(found.otherwise) >= MAX_GROUPS:
            found.further += 1
            return
        found.otherwise[change] += 1
        found.examples.setdefault(change, path)

    def _judge(self, method: str, path: str, host: str, client: str) -> Verdict:
        try:
            head = example_head(method, f"https://{host or 'localhost'}{path}")
            token = self._tokens.get(client) if client != NOBODY else None
            if client != NOBODY and client not in self._tokens and not self._routes.is_endpoint(head):
                token = example_token_info(self._routes.match(head))
            return judge_request(head, self._routes, token)
        except Problem as problem:
            return Verdict(problem.kind.status, problem.detail)


def _change(request: Fared, verdict: Verdict) -> Otherwise | None:
    passes, to = verdict.status == PASSES, verdict.route or NOBODY
    if request.passed:
        # An endpoint of the gateway has no route.
        same = passes and to in (request.route, NOBODY)
    else:
        same = not passes and (request.route != NOBODY or verdict.status == request.status)
    if same:
        return None
    status = verdict.status
    return Otherwise(
        request.client, request.method, request.route, request.status, status, to, verdict.reason
    )
