from inspect import iscoroutinefunction

import pytest
from pydantic import ValidationError

from gateway.accounts.static_clients import StaticClients
from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.config.tiers import Rate
from gateway.http.problems import Problem
from gateway.oauth.model import TokenInfo
from gateway.plugin import HOOKS, Exchange, Limits, PluginContext
from gateway.plugin.catalog import PluginCatalog
from gateway.proxy.pipeline import compile_pipeline
from plugins.rate_limit import RateLimit
from tests.plugins.exchanges import exchange, made
from tests.services import a_client


def a_plugin(**config: object) -> RateLimit:
    clients = StaticClients([a_client("gold", tier="gold"), a_client("plain")])
    tiers = {"gold": Rate(limit=4, per=60), "bronze": Rate(limit=2, per=60)}
    limits = Limits(None, lambda: 0.0, lambda: 0.0)
    context = PluginContext(lambda: 0.0, place="here", clients=clients, tiers=tiers, limits=limits)
    plugin: RateLimit = made(RateLimit, context, **config)
    return plugin


def a_call(
    client: str | None = "plain",
    source: str = "file",
    *headers: tuple[bytes, bytes],
    tier: str | None = None,
) -> Exchange:
    sent = exchange("/orders", *headers)
    if client is not None:
        sent.token = TokenInfo(client, (), (), client, 0, 100, "client_credentials", source, tier=tier)
    return sent


def admitted(
    plugin: RateLimit, client: str | None = "plain", source: str = "file", tier: str | None = None
) -> int:
    """How many of ten are let in."""
    count = 0
    for _ in range(10):
        sent = a_call(client, source, tier=tier)
        try:
            plugin.on_request(sent)
            plugin.on_authorized(sent)
        except Problem:
            continue
        count += 1
    return count


def test_each_client_has_its_own_limit() -> None:
    plugin = a_plugin(limit=3, per="1m")
    assert (admitted(plugin, "plain"), admitted(plugin, "other"), admitted(plugin, "plain")) == (3, 3, 0)


def test_a_clients_tier_counts_unless_all_are_alike() -> None:
    assert admitted(a_plugin(limit=3, per="1m"), "gold") == 4
    assert admitted(a_plugin(limit=3, per="1m", client_tiers=False), "gold") == 3
    assert admitted(a_plugin(limit=3, per="1m"), "gold", "store") == 3, "another client of that name"


def test_a_token_of_the_store_bears_its_clients_tier() -> None:
    plugin = a_plugin(limit=3, per="1m")
    assert admitted(plugin, "made", "store", "bronze") == 2
    assert admitted(plugin, "other", "store", "gone") == 3, "a tier that is no longer there"
    assert admitted(a_plugin(limit=3, per="1m", client_tiers=False), "made", "store", "bronze") == 3
    assert admitted(a_plugin(limit=3, per="1m"), "plain", "file", "bronze") == 3, "the file's word counts"


def test_a_limit_can_be_a_tier() -> None:
    assert admitted(a_plugin(tier="bronze"), "plain") == 2
    assert admitted(a_plugin(tier="bronze"), "gold") == 4


def test_on_an_open_route_it_goes_by_address() -> None:
    assert admitted(a_plugin(limit=3, per="1m"), None) == 3


@pytest.mark.parametrize("by", ["route", "address", "header:X-Tenant"])
def test_others_are_counted_before_a_token_is_looked_at(by: str) -> None:
    plugin = a_plugin(limit=3, per="1m", by=by)
    for _ in range(3):
        plugin.on_request(a_call(None))
    with pytest.raises(Problem):
        plugin.on_request(a_call(None))
    plugin.on_authorized(a_call(None))


def test_by_header_each_value_has_its_own() -> None:
    plugin = a_plugin(limit=1, per="1m", by="header:X-Tenant")
    for tenant in (b"a", b"b"):
        plugin.on_request(a_call(None, "file", (b"X-Tenant", tenant)))
    with pytest.raises(Problem):
        plugin.on_request(a_call(None, "file", (b"X-Tenant", b"a")))


def test_it_never_waits() -> None:
    compiled = compile_pipeline([a_plugin(limit=1, per="1m")])
    assert not [hook for phase in HOOKS for hook in compiled.hooks(phase) if iscoroutinefunction(hook)]


def test_it_says_what_it_does() -> None:
    assert a_plugin(limit=600, per="1m").summary() == "RateLimit (600 per 60 s by client)"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"limit": 1},
        {"per": "1m"},
        {"limit": 0, "per": "1m"},
        {"limit": 1, "per": "10ms"},
        {"limit": 1, "per": "1m", "tier": "bronze"},
        {"tier": "bronze", "burst": 2},
        {"limit": 2, "per": "1m", "burst": 2},
        {"limit": 1, "per": "1m", "by": "user"},
        {"limit": 1, "per": "1m", "name": 'a"b'},
    ],
)
def test_what_does_not_go_together_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        a_plugin(**config)


def test_an_unknown_tier_is_an_error_of_its_line() -> None:
    text = "tiers: {bronze: 5 per 1m}\nplugins:\n  - use: rate_limit\n    with: {tier: bronse}\n"
    with pytest.raises(ConfigurationError) as caught:
        load_text(text, {}, PluginCatalog())
    assert (
        "gateway.yaml:4:18: plugins[0].with.tier: there is no tier of this name (did you mean bronze?)"
        in str(caught.value)
    )
