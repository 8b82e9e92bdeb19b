"""Checks of references to `tiers`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.plugins import PluginUse
from gateway.config.problems import KeyPath
from gateway.runtime.give_way import giving_way


def tiers_there(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Clients, plugins and the portal refer to defined tiers only."""
    for path, name in _named(settings):
        if name not in settings.tiers:
            yield CheckFinding(
                path,
                "there is no tier of this name",
                depends=(("tiers",),),
                invalid=name,
                valid=tuple(sorted(settings.tiers)),
            )


def _named(settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    for index, client in enumerate(giving_way(settings.clients)):
        if client.tier is not None:
            yield ("clients", index, "tier"), client.tier
    for index, tier in enumerate(settings.portal.tiers):
        yield ("portal", "tiers", index), tier
    yield from _of_plugins(("plugins",), settings.plugins)
    for index, route in enumerate(giving_way(settings.routes)):
        yield from _of_plugins(("routes", index, "plugins"), route.plugins)


def _of_plugins(path: KeyPath, uses: tuple[PluginUse, ...]) -> Iterator[tuple[KeyPath, str]]:
    for index, use in enumerate(uses):
        tier = getattr(use.config, "tier", None)
        if isinstance(tier, str):
            yield (*path, index, "with", "tier"), tier
