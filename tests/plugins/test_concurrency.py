import pytest
from pydantic import ValidationError

from gateway.http.problems import Problem
from gateway.plugin import Exchange, Limits, PluginContext
from plugins.concurrency import Concurrency
from tests.plugins.exchanges import exchange, made


def a_plugin(**config: object) -> Concurrency:
    context = PluginContext(lambda: 0.0, limits=Limits(None, lambda: 0.0, lambda: 0.0))
    plugin: Concurrency = made(Concurrency, context, **config)
    return plugin


def entered(plugin: Concurrency) -> Exchange:
    sent = exchange()
    plugin.on_request(sent)
    plugin.on_authorized(sent)
    return sent


@pytest.mark.parametrize("by", ["client", "address", "route"])
def test_one_too_many_is_refused_until_another_is_done(by: str) -> None:
    plugin = a_plugin(limit=2, by=by)
    first, _ = entered(plugin), entered(plugin)
    for _ in range(3):
        with pytest.raises(Problem) as caught:
            entered(plugin)
        assert caught.value.kind.code == "900800"
    plugin.on_finish(first)
    entered(plugin)
    with pytest.raises(Problem):
        entered(plugin)


def test_a_request_that_was_refused_frees_nothing() -> None:
    plugin = a_plugin(limit=1)
    first = entered(plugin)
    refused = exchange()
    with pytest.raises(Problem):
        plugin.on_authorized(refused)
    plugin.on_finish(refused)
    with pytest.raises(Problem):
        entered(plugin)
    for _ in range(2):
        plugin.on_finish(first)
    entered(plugin)
    with pytest.raises(Problem):
        entered(plugin)


def test_it_says_what_it_does() -> None:
    assert a_plugin(limit=5).summary() == "Concurrency (5 at once by client)"


@pytest.mark.parametrize("config", [{}, {"limit": 0}, {"limit": 1, "by": ""}])
def test_what_is_no_limit_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        a_plugin(**config)
