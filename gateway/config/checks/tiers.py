"""Tiers: whoever refers to one means one that is there."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.model import Settings
from gateway.config.plugins import PluginUse
from gateway.config.problem import KeyPath


def tiers_there(settings: Settings, _: Surroundings) -> Iterator[Finding]:
    """Clients, plugins and the portal name only tiers that are listed."""
    for path, name in _named(settings):
        if name not in settings.tiers:
            yield Finding(
                path,
                "there is no tier of this name",
                depends=(("tiers",),),
                wrong=name,
                right=tuple(sorted(settings.tiers)),
            )


def _named(settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    for index, client in enumerate(settings.clients):
        if client.tier is not None:
            yield ("clients", index, "tier"), client.tier
    for index, tier in enumerate(settings.portal.tiers):
        yield ("portal", "tiers", index), tier
    yield from _of_plugins(("plugins",), settings.plugins)
    for index, route in enumerate(settings.routes):
        yield from _of_plugins(("routes", index, "plugins"), route.plugins)


def _of_plugins(path: KeyPath, uses: tuple[PluginUse, ...]) -> Iterator[tuple[KeyPath, str]]:
    for index, use in enumerate(uses):
        tier = getattr(use.config, "tier", None)
        if isinstance(tier, str):
            yield (*path, index, "with", "tier"), tier
