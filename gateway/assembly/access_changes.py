"""Who may call what under one configuration and not under another, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.assembly.example_tokens import example_tokens
from gateway.config.differences import differences, route_name, summary
from gateway.config.model import Settings
from gateway.config.routes import RouteSettings
from gateway.oauth.bearer import check_access
from gateway.oauth.model import TokenInfo
from gateway.runtime.give_way import giving_way, let_go_values

MAX_CALLS = 5
"""Calls that one line lists; of more, only their number is given."""

ANYONE = "anyone"
"""The caller without a token."""


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What a caller gains or loses."""

    caller: str
    """A client id, or `ANYONE`."""
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    """Methods and paths, such as `POST /orders`."""

    @property
    def lines(self) -> Iterator[str]:
        """The change in words."""
        for verb, calls in (("may no longer call", self.lost), ("may now call", self.gained)):
            if calls:
                more = f" and {len(calls) - MAX_CALLS} more" if len(calls) > MAX_CALLS else ""
                yield f"{self.caller} {verb} {', '.join(calls[:MAX_CALLS])}{more}"


def change_report(old: Settings, new: Settings) -> list[str]:
    """What a reload from `old` to `new` changes: who may call what, then every key that differs."""
    lines = [line for change in giving_way(access_changes(old, new)) for line in change.lines]
    return [*lines, *summary(differences(old, new))]


def access_changes(old: Settings, new: Settings) -> list[AccessChange]:
    """The callers whose reach differs."""
    before, after = _Reach(old), _Reach(new)
    changed = {
        name: None
        for name in giving_way(before.routes | after.routes)
        if before.routes.get(name) != after.routes.get(name)
    }
    open_before, open_after = before.calls(_ANONYMOUS, changed), after.calls(_ANONYMOUS, changed)

    def judge(had_rights: _Rights | None, has_rights: _Rights | None) -> tuple[_Calls, _Calls]:
        # Who has the same rights as before is judged on the routes that have changed.
        routes = changed if had_rights == has_rights else None
        had, has = before.calls(had_rights, routes), after.calls(has_rights, routes)
        # What is open to all needs no line for each client.
        gained = tuple(call for call in giving_way(has) if call not in had and call not in open_before)
        return gained, tuple(call for call in giving_way(had) if call not in has and call not in open_after)

    found = []
    # Most clients have the rights of others: ten thousand of them are judged as one.
    judged: dict[tuple[_Rights | None, _Rights | None], tuple[_Calls, _Calls]] = {}
    for caller in giving_way(before.rights | after.rights):
        rights = (before.rights.get(caller), after.rights.get(caller))
        if rights not in judged:
            judged[rights] = judge(*rights)
        gained, lost = judged[rights]
        if gained or lost:
            found.append(AccessChange(caller, gained, lost))
    before.let_go()
    after.let_go()
    return found


_Calls = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rights:
    """What a caller's reach depends on, beside the routes."""

    token: bool = False
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()


_ANONYMOUS = _Rights()


class _Reach:
    """Which routes each caller reaches under one configuration."""

    def __init__(self, settings: Settings) -> None:
        self.routes = {route_name(route): route for route in giving_way(settings.routes) if route.enabled}
        subscriptions = {client.id: client.subscriptions for client in giving_way(settings.clients)}
        self.rights: dict[str, _Rights] = {ANYONE: _ANONYMOUS}
        """Those of each caller that may have any."""
        tokens = example_tokens(settings)
        for client, token in giving_way(tokens.items()):
            if isinstance(token, TokenInfo):
                self.rights[client] = _Rights(
                    token=True,
                    scopes=token.scopes,
                    audience=token.audience,
                    subscriptions=tuple(subscriptions[client]),
                )
        let_go_values(tokens)

    def let_go(self) -> None:
        """Frees what there may be very much of."""
        let_go_values(self.routes)
        let_go_values(self.rights)

    def calls(self, rights: _Rights | None, routes: Iterable[str] | None) -> dict[str, None]:
        """Methods and paths that may be called with these rights, on these routes; None: on all."""
        if rights is None:
            return {}
        names = self.routes if routes is None else routes
        found = (self.routes.get(name) for name in giving_way(names))
        reached = (route for route in found if route is not None and _may(rights, route))
        return {call: None for route in reached for call in _calls(route)}


def _may(rights: _Rights, route: RouteSettings) -> bool:
    if route.auth == "none" or not rights.token:
        return route.auth == "none" and not rights.token
    if not route.own_tokens:
        return False
    if route.access == "request" and route.api_name not in rights.subscriptions:
        return False
    token = TokenInfo("", rights.scopes, rights.audience, "", issued=0, expires=1, grant="")
    return check_access(token, frozenset(route.scopes), route.audience, 0) is None


def _calls(route: RouteSettings) -> Iterator[str]:
    where = f" where {route.conditions}" if route.where is not None else ""
    place = f"{route.host or ''}{route.path}{where}"
    for method in route.methods or ("any method of",):
        yield f"{method} {place}"
