"""What an Envoy has, wants and refuses: the incremental xDS protocol, without I/O.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#incremental-xds

A new configuration goes out in steps, each of which waits until the Envoy has taken the one before: first
what others refer to, then what refers to it, and what is no longer used goes last. So no request meets half
of it. Where the Envoy refuses a step, the next ones wait for another configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.xds.resources import LISTENER, ORDER, Resources, XdsResource

WILDCARD = "*"
_ABSENT = ""
"""The version of what the Envoy has been told not to exist."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an Envoy says."""

    kind: str
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial: Mapping[str, str] = field(default_factory=dict)
    """Versions that it has from a stream before this one."""
    nonce: str = ""
    """Of the response that it takes or refuses."""
    error: str | None = None
    """Why it refuses it."""


@dataclass(frozen=True, slots=True)
class Update:
    """What an Envoy is told."""

    kind: str
    nonce: str
    resources: Mapping[str, XdsResource]
    removed: tuple[str, ...]


@dataclass(slots=True)
class _Kind:
    """The resources of one type."""

    subscribed: bool = False
    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    known: dict[str, str] = field(default_factory=dict)
    """The versions that the Envoy has."""
    sent: Update | None = None
    """What it has not answered yet."""
    refused: bool = False
    """Whether it has refused what there is now."""

    @property
    def settled(self) -> bool:
        return self.sent is None and not self.refused

    def changed(self, there: Mapping[str, XdsResource]) -> dict[str, XdsResource]:
        return {
            name: one
            for name, one in there.items()
            if (self.wildcard or name in self.names) and self.known.get(name) != one.version
        }

    def gone(self, there: Mapping[str, XdsResource]) -> tuple[str, ...]:
        names = {*self.known, *self.names} - there.keys()
        return tuple(sorted(name for name in names if self.known.get(name) != _ABSENT))

    def subscribe(self, request: Request) -> None:
        # A first request that names nothing asks for everything.
        self.wildcard |= WILDCARD in request.subscribe or not (self.subscribed or request.subscribe)
        self.subscribed = True
        for name in {*request.subscribe} - {WILDCARD}:
            self.names.add(name)
            # Whoever subscribes again wants it again.
            self.known.pop(name, None)
        self.wildcard &= WILDCARD not in request.unsubscribe
        for name in request.unsubscribe:
            self.names.discard(name)
            self.known.pop(name, None)
        self.known.update(request.initial)

    def taken(self, update: Update) -> None:
        self.known.update({name: one.version for name, one in update.resources.items()})
        for name in update.removed:
            if name in self.names:
                self.known[name] = _ABSENT
            else:
                self.known.pop(name, None)


class Subscriptions:
    """One stream of an Envoy."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._kinds = {kind: _Kind() for kind in ORDER}
        self._nonce = 0

    def replace(self, resources: Resources) -> None:
        """There is another configuration."""
        self._resources = resources
        for kind in self._kinds.values():
            kind.refused = False

    def hear(self, request: Request) -> bool:
        """Takes what the Envoy says. Whether it refuses something.

        Raises:
            KeyError: it asks for a type that is not served.
        """
        kind = self._kinds[request.kind]
        # An answer to nothing that is waited for says nothing.
        answered = kind.sent if kind.sent is not None and kind.sent.nonce == request.nonce else None
        if answered is not None:
            kind.sent = None
            if request.error is None:
                kind.taken(answered)
            else:
                # Of a configuration that has been replaced since, nothing is waited for.
                kind.refused = self._is_current(answered)
        if request.subscribe or request.unsubscribe or request.initial or not kind.subscribed:
            kind.subscribe(request)
        return answered is not None and request.error is not None

    def _is_current(self, update: Update) -> bool:
        there = self._resources[update.kind]
        return all(there.get(name) == one for name, one in update.resources.items())

    def updates(self) -> Iterator[Update]:
        """What the Envoy is to be told now."""
        for name in ORDER:
            kind = self._kinds[name]
            if kind.subscribed and kind.settled:
                yield from self._update(name, kind)
            if not kind.settled:
                return
        yield from self._removals()

    def _update(self, name: str, kind: _Kind) -> Iterator[Update]:
        there = self._resources[name]
        changed = kind.changed(there)
        # Nothing refers to a listener.
        removed = kind.gone(there) if name == LISTENER else ()
        if changed or removed:
            yield self._sent(name, kind, changed, removed)

    def _removals(self) -> Iterator[Update]:
        for name in reversed(ORDER):
            kind = self._kinds[name]
            if kind.subscribed and (removed := kind.gone(self._resources[name])):
                yield self._sent(name, kind, {}, removed)

    def _sent(
        self, name: str, kind: _Kind, changed: Mapping[str, XdsResource], removed: tuple[str, ...]
    ) -> Update:
        self._nonce += 1
        kind.sent = Update(name, str(self._nonce), changed, removed)
        return kind.sent
