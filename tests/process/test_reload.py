"""What of a new configuration takes effect, and what is said about the rest."""

import logging
from typing import Any

import pytest

from gateway.config.model import Settings
from gateway.errors import GatepostError
from gateway.process.reload import report_failure, report_success, settled


def settings(**sections: Any) -> Settings:
    return Settings.model_validate(sections)


def server(**keys: Any) -> Settings:
    return settings(server=keys)


def test_most_of_it_takes_effect() -> None:
    old = settings()
    new = settings(
        server={"max_body": 5, "timeouts": {"drain": 3.0}},
        store={"prefix": "other:"},
        logging={"level": "debug"},
        scopes={"default": ["read"]},
    )
    assert settled(old, new) == (new, [])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (server(listen=[{"port": 1}]), server(listen=[{"port": 2}]), "server.listen"),
        (server(listen=[{"port": 1}]), server(listen=[{"port": 1, "tls": "auto"}]), "server.listen"),
        (server(listen=[{"port": 1}]), server(listen=[{"port": 1}, {"port": 2}]), "server.listen"),
        (server(state_dir="one"), server(state_dir="two"), "server.state_dir"),
        (server(workers=1), server(workers=2), "server.workers"),
        (server(workers=2), server(workers=1), "server.workers"),
        (settings(management={"port": 1}), settings(management=False), "management"),
        (settings(), settings(store={"url": "redis://localhost:6379"}), "store.url"),
    ],
)
def test_what_needs_a_restart_keeps_its_old_value(old: Settings, new: Settings, key: str) -> None:
    result, kept = settled(old, new)
    assert kept == [key]
    assert settled(result, old) == (old, []), "nothing that needs a restart is left"


def test_certificates_the_number_of_workers_and_another_redis_take_effect() -> None:
    old = settings(
        server={"listen": [{"port": 1, "tls": {"certificate": "a", "key": "b"}}], "workers": 2},
        store={"url": "redis://one:6379"},
    )
    new = settings(
        server={"listen": [{"port": 1, "tls": {"certificate": "c", "key": "d"}}], "workers": 3},
        store={"url": "redis://two:6379"},
    )
    assert settled(old, new) == (new, [])


def test_a_failure_is_reported_a_problem_a_line(caplog: pytest.LogCaptureFixture) -> None:
    report_failure(GatepostError("gateway.yaml:1:2: one\ngateway.yaml:3:4: two"))
    assert caplog.messages == [
        "not reloaded: gateway.yaml:1:2: one",
        "not reloaded: gateway.yaml:3:4: two",
    ]


def test_what_nobody_has_foreseen_is_reported_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    report_failure(KeyError("name"))
    assert caplog.messages == ["not reloaded: KeyError"]
    assert caplog.records[0].exc_info is not None


def test_a_success_names_what_waits_for_a_restart(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        report_success(["server.listen"])
    assert caplog.messages[0] == "reloaded: the new configuration is served"
    assert caplog.messages[1].startswith("server.listen has changed, which takes a restart")
