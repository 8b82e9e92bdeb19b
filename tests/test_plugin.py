import inspect

import pytest
from pydantic import ValidationError

from gateway.plugin import HOOKS, GrantPlugin, PluginConfig, PluginContext, ProxyPlugin


def test_every_hook_exists_and_is_documented() -> None:
    for name in HOOKS:
        assert inspect.isfunction(getattr(ProxyPlugin, name))
        assert name in (inspect.getmodule(ProxyPlugin).__doc__ or "")


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(ValidationError):
        PluginConfig.model_validate({"limti": 1})


async def test_a_plugin_without_a_life_of_its_own_can_be_started_and_stopped() -> None:
    plugin = ProxyPlugin(PluginConfig(), PluginContext(lambda: 0.0))
    await plugin.start()
    await plugin.stop()


def test_a_grant_must_decide() -> None:
    plugin = GrantPlugin(PluginConfig(), PluginContext(lambda: 0.0))
    with pytest.raises(NotImplementedError):
        plugin.grant(None)  # type: ignore[arg-type]  # it is not looked at
