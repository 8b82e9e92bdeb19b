from typing import Any

import pytest

from gateway.plugin import Exchange, Grant, GrantPlugin, GrantRequest, PluginConfig, ProxyPlugin
from gateway.plugin.catalog import BUILT_IN, Kind, PluginCatalog
from plugins.client_credentials import ClientCredentials


class Misspelt(ProxyPlugin):
    def on_requst(self, exchange: Exchange) -> None: ...


class WrongShape(ProxyPlugin):
    def on_request(self) -> None: ...  # type: ignore[override]  # the mistake that is tested


class Config(PluginConfig):
    limit: int


class Sound(ProxyPlugin):
    Config = Config

    async def on_request(self, exchange: Exchange) -> None: ...


class Nameless(GrantPlugin):
    def grant(self, request: GrantRequest) -> Grant:
        raise AssertionError


class Silent(GrantPlugin):
    grant_type = "silent"


@pytest.mark.parametrize(("kind", "use"), [(kind, use) for kind, names in BUILT_IN.items() for use in names])
def test_every_built_in_plugin_is_whole(kind: Kind, use: str) -> None:
    assert PluginCatalog().find(use, kind)
    assert use in PluginCatalog().names(kind)


def test_a_plugin_is_found_by_module_and_class() -> None:
    assert PluginCatalog().find(f"{__name__}:Sound", "proxy") is Sound
    assert PluginCatalog().config_model(f"{__name__}:Sound", "proxy") is Config
    assert PluginCatalog().find("client_credentials", "grant") is ClientCredentials


@pytest.mark.parametrize(
    ("use", "kind", "reason"),
    [
        (f"{__name__}:Misspelt", "proxy", "on_requst"),
        (f"{__name__}:WrongShape", "proxy", "exchange"),
        (f"{__name__}:Nameless", "grant", "grant_type"),
        (f"{__name__}:Silent", "grant", "grant()"),
        (f"{__name__}:Sound", "grant", "not a GrantPlugin"),
        (f"{__name__}:Missing", "proxy", "can't be loaded"),
        ("no.such.module:Class", "proxy", "can't be loaded"),
        ("os:path", "proxy", "not a ProxyPlugin"),
        (":", "proxy", "can't be loaded"),
        ("unheard", "proxy", "no plugin"),
    ],
)
def test_what_is_not_whole_is_refused_with_the_reason(use: str, kind: Any, reason: str) -> None:
    with pytest.raises(LookupError) as caught:
        PluginCatalog().find(use, kind)
    assert reason in str(caught.value)
