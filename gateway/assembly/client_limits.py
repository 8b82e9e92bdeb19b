"""What clients have left of the limits that count them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.accounts.limits_left import LimitLeft, ReadLimits
from gateway.assembly.plugins import PluginSet
from gateway.assembly.routes import plugin_place
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.config.routes import RouteSettings
from gateway.limits import LimitPart
from gateway.limits.lease_table import limit_key
from gateway.limits.subject import client_subject
from gateway.oauth.model import OWN, Client
from gateway.plugin.limit_plugin import LimitPlugin
from gateway.runtime.give_way import giving_way
from gateway.store import Store


@dataclass(frozen=True, slots=True)
class _CountingPlugin:
    """A plugin that counts clients' requests over time, and where."""

    route: RouteSettings | None
    """None: everywhere."""
    plugin: LimitPlugin
    given: frozenset[str] = frozenset()
    """The scopes that every client has."""

    def parts(self, client: Client) -> tuple[LimitPart, ...]:
        """The windows in which a client's requests count; empty: it can't call the route."""
        if self.route is None:
            return self.plugin.client_parts(client.tier)
        tier = client.tier
        if self.route.access == "request":
            subscription = client.subscription(self.route.api_name)
            if subscription is None:
                return ()
            tier = subscription.tier or tier
        return (
            self.plugin.client_parts(tier) if set(self.route.scopes) <= {*client.scopes, *self.given} else ()
        )


def limits_left(settings: Settings, plugin_set: PluginSet, store: Store, clock: Clock) -> ReadLimits:
    """Reads what a client has left, of those limits that apply to what it may call."""
    return partial(_read, tuple(_counting(settings, plugin_set)), store, clock)


def _counting(settings: Settings, plugin_set: PluginSet) -> Iterable[_CountingPlugin]:
    for plugin in plugin_set.at("everywhere"):
        if isinstance(plugin, LimitPlugin):
            yield _CountingPlugin(None, plugin)
    given = frozenset((*settings.scopes.default, settings.scopes.application or ""))
    for route in giving_way(settings.routes):
        if not route.enabled or route.auth != "bearer":
            continue
        for plugin in plugin_set.at(plugin_place(route)):
            if isinstance(plugin, LimitPlugin):
                yield _CountingPlugin(route, plugin, given)


async def _read(
    counting: Sequence[_CountingPlugin], store: Store, clock: Clock, client: Client
) -> list[LimitLeft]:
    parts = [(one.route, part) for one in counting for part in one.parts(client)]
    subject, now = client_subject(OWN, client.id), clock()
    keys = [limit_key(part.name, subject) for _, part in parts]
    lows = [part.window.low(now) for _, part in parts]
    used = await asyncio.gather(*map(store.limits.used, keys, lows))
    return [
        LimitLeft(
            "" if route is None else route.path,
            () if route is None else tuple(route.methods or ()),
            part.label.decode().strip('"'),
            part.window.limit,
            part.seconds,
            max(0, part.window.limit - count),
            None if part.ends is None else int(part.ends),
        )
        for (route, part), count in zip(parts, used, strict=True)
    ]
