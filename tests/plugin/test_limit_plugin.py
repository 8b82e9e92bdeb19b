"""Plugins that limit requests count each request once, in the phase where its subject is known."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.plugin import By, Exchange, Limits, PluginConfig, PluginContext
from gateway.plugin.limit_plugin import LimitPlugin
from tests.plugins.exchanges import exchange


class CountingConfig(PluginConfig):
    by: By = "client"


class Counting(LimitPlugin):
    Config = CountingConfig

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.counted = 0

    def count(self, exchange: Exchange) -> None:
        self.counted += 1


def a_plugin(by: str) -> Counting:
    context = PluginContext(lambda: 0.0, limits=Limits(None, lambda: 0.0, lambda: 0.0))
    return Counting(CountingConfig(by=by), context)


@pytest.mark.parametrize("by", ["client", "address", "route", "header:X-Tenant"])
def test_a_limit_counts_each_request_once(by: str) -> None:
    plugin = a_plugin(by)
    sent = exchange()
    plugin.on_request(sent)
    assert plugin.counted == (by != "client"), "before the client is known only where it need not be"
    plugin.on_authorized(sent)
    assert plugin.counted == 1


def test_a_limit_without_a_rule_is_no_limit() -> None:
    plugin = LimitPlugin(CountingConfig(by="route"), a_plugin("route").context)
    with pytest.raises(NotImplementedError):
        plugin.on_request(exchange())
