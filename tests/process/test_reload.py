"""What of a new configuration takes effect, and what is said about the rest."""

import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.config.model import Settings
from gateway.errors import GatepostError
from gateway.process.reload import MAX_LINES, ReloadHistory, ReloadReport, reloadable


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
    assert reloadable(old, new, forks=True) == (new, [])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (server(state_dir="one"), server(state_dir="two"), "server.state_dir"),
        (server(workers=1), server(workers=2), "server.workers"),
        (settings(management={"port": 1}), settings(management=False), "management"),
        (settings(), settings(store={"url": "redis://localhost:6379"}), "store.url"),
    ],
)
def test_what_needs_a_restart_keeps_its_old_value(old: Settings, new: Settings, key: str) -> None:
    result, kept = reloadable(old, new, forks=False)
    assert kept == [key]
    assert reloadable(result, old, forks=False) == (old, []), "nothing that needs a restart is left"


def test_a_gateway_whose_workers_are_processes_may_have_any_number_of_them() -> None:
    for before, after in ((2, 1), (1, 3)):
        new = server(workers=after)
        assert reloadable(server(workers=before), new, forks=True) == (new, [])


def test_listeners_the_number_of_workers_and_another_redis_take_effect() -> None:
    old = settings(
        server={"listen": [{"port": 1, "tls": {"certificate": "a", "key": "b"}}], "workers": 2},
        store={"url": "redis://one:6379"},
    )
    new = settings(
        server={
            "listen": [{"port": 1, "tls": {"certificate": "c", "key": "d"}}, {"port": 2}],
            "workers": 3,
        },
        store={"url": "redis://two:6379"},
    )
    assert reloadable(old, new, forks=True) == (new, [])


@pytest.fixture
def history() -> ReloadHistory:
    return ReloadHistory(lambda old, new: ["something changed"], lambda: 1000.0)


def test_a_failure_is_reported_a_problem_a_line(
    history: ReloadHistory, caplog: pytest.LogCaptureFixture
) -> None:
    history.failed(GatepostError("gateway.yaml:1:2: one\ngateway.yaml:3:4: two"))
    assert caplog.messages == [
        "configuration not reloaded: gateway.yaml:1:2: one",
        "configuration not reloaded: gateway.yaml:3:4: two",
    ]
    problems = ["gateway.yaml:1:2: one", "gateway.yaml:3:4: two"]
    assert history.last == ReloadReport(1, 1000.0, ok=False, problems=problems)


def test_what_nobody_has_foreseen_is_reported_with_its_traceback(
    history: ReloadHistory, caplog: pytest.LogCaptureFixture
) -> None:
    history.failed(KeyError("name"))
    assert caplog.messages == ["configuration not reloaded: KeyError"]
    assert caplog.records[0].exc_info is not None


def test_a_success_says_what_changed_and_names_what_waits_for_a_restart(
    history: ReloadHistory, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        history.succeeded(settings(), settings(), ["server.state_dir"])
    assert caplog.messages[:2] == [
        "reloaded: the new configuration is active",
        "reloaded: something changed",
    ]
    assert caplog.messages[2].startswith("server.state_dir changed: restart to apply it")
    expected = ReloadReport(
        1, 1000.0, ok=True, changes=["something changed"], needs_restart=["server.state_dir"]
    )
    assert history.last == expected


def test_a_reload_that_can_not_be_described_is_still_done(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_old: Settings, _new: Settings) -> list[str]:
        raise KeyError("a bug")

    history = ReloadHistory(fails, lambda: 1.0)
    history.succeeded(settings(), settings(), [])
    assert history.last == ReloadReport(1, 1.0, ok=True)
    assert caplog.messages[0] == "the changes can't be described"


def test_thousands_of_changes_are_cut(caplog: pytest.LogCaptureFixture) -> None:
    history = ReloadHistory(lambda old, new: ["a change"] * 1000, lambda: 1.0)
    history.succeeded(settings(), settings(), [])
    assert history.last is not None
    assert len(history.last.changes) == MAX_LINES + 1
    assert history.last.changes[-1] == "and 800 more changes"


def test_any_process_reads_the_report_of_the_one_that_reloads(history: ReloadHistory, tmp_path: Path) -> None:
    other = ReloadHistory(lambda old, new: [], lambda: 1.0)
    for one in (history, other):
        one.share(tmp_path)
    assert other.last is None
    history.succeeded(settings(), settings(), [])
    history.failed(GatepostError("no"))
    assert other.last == ReloadReport(2, 1000.0, ok=False, problems=["no"])


def test_a_full_disk_costs_the_report_and_not_the_reload(
    history: ReloadHistory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history.share(tmp_path / "missing")
    history.failed(GatepostError("no"))
    assert "the report of the reload can't be written" in caplog.messages[-1]
