"""What an upstream does when nothing is said."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass

from gateway.upstream import settings
from gateway.upstream.balancing_policies import BALANCERS
from tests.upstream.defaults import a_server, an_upstream, health_of

DEFAULT = an_upstream([a_server("http://orders.test")])


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert (DEFAULT.timeouts.connect, DEFAULT.timeouts.response, DEFAULT.timeouts.idle) == (2, 30, 60)
    assert DEFAULT.pool.max_connections == 256
    assert (DEFAULT.retries.attempts, sorted(DEFAULT.retries.on)) == (1, ["503", "connect"])
    assert (DEFAULT.breaker.failures, DEFAULT.breaker.open_for) == (5, 10)
    assert DEFAULT.servers[0].weight == 1
    health = health_of()
    assert (health.path, health.interval, health.unhealthy_after, health.healthy_after) == (
        "/health",
        5,
        2,
        1,
    )


def test_nobody_is_asked_unless_so_wished() -> None:
    assert DEFAULT.health is None


def test_a_known_way_to_choose() -> None:
    assert DEFAULT.balance in BALANCERS


def test_certificates_are_verified() -> None:
    assert DEFAULT.servers[0].tls.verify


def test_connections_are_dropped_before_common_servers_drop_theirs() -> None:
    assert DEFAULT.pool.keep_alive < 5


def test_only_the_configuration_has_defaults() -> None:
    made = [value for value in vars(settings).values() if isinstance(value, type) and is_dataclass(value)]
    own = [each for each in made if each.__module__ == settings.__name__]
    assert own
    for each in own:
        for field in fields(each):
            assert field.kw_only, (each, field.name)
            assert (field.default, field.default_factory) == (MISSING, MISSING), (each, field.name)
