"""`gatepost store check`: whether a server is fit, by its exit status and its words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.store.rights import acl_rules
from tests.conftest import Valkey
from tests.topologies import ClusterSet, Node


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEPOST_CONFIG", raising=False)

    def run(url: str, *arguments: str, **store: Any) -> Any:
        text = json.dumps({"store": {"url": url, "prefix": "test:", **store}})  # JSON is YAML
        (tmp_path / "gateway.yaml").write_text(text)
        return CliRunner().invoke(main, ["store", "check", *arguments])

    return run


def test_a_fit_server_is_described(check: Any, own_valkey: Valkey) -> None:
    result = check(own_valkey.url)
    assert result.exit_code == 0, result.output
    for words in (
        "valkey ",
        "master (standalone)",
        "noeviction",
        "can be issued, can be revoked",
        "+evalsha",
    ):
        assert words in result.stdout
    assert "warning: appendonly is off" in result.stdout
    with own_valkey.client as other:
        assert other.keys() == []


def test_as_json_it_is_one_object(check: Any, own_valkey: Valkey) -> None:
    result = check(own_valkey.url, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["fit"], report["problems"], report["tracking"], report["role"]) == (
        True,
        [],
        True,
        "master",
    )
    assert report["writes"] == {"can_issue": True, "can_revoke": True}
    assert report["acl"] == " ".join(acl_rules("test:"))
    assert abs(report["clock_difference"]) < 2


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [("maxmemory", "1", "its memory is full"), ("maxmemory-policy", "allkeys-lru", "set noeviction")],
)
def test_what_must_be_mended_is_a_problem(
    check: Any, own_valkey: Valkey, setting: str, value: str, problem: str
) -> None:
    with own_valkey.client as other:
        other.config_set(setting, value)
    result = check(own_valkey.url)
    assert result.exit_code == 1
    assert problem in result.stdout
    assert result.stdout.splitlines()[-1] == "not fit"


def test_eviction_that_is_allowed_is_no_problem(check: Any, own_valkey: Valkey) -> None:
    with own_valkey.client as other:
        other.config_set("maxmemory-policy", "allkeys-lru")
    assert check(own_valkey.url, allow_eviction=True).exit_code == 0


def test_missing_rights_are_named_those_of_the_core_as_a_problem(check: Any, own_valkey: Valkey) -> None:
    url = f"unix://gatepost:pw@{own_valkey.path}"
    for lacking, code, kind in (("+zadd", 0, "warning: limits:"), ("+hget", 1, "problem:")):
        with own_valkey.client as other:
            rules = [rule for rule in acl_rules("test:") if rule != lacking]
            other.execute_command("ACL", "SETUSER", "gatepost", "reset", "on", ">pw", *rules)
        result = check(url)
        assert result.exit_code == code
        assert f"{kind} the user may not run {lacking[1:]}" in result.stdout
        assert "pw" not in result.stdout.replace("PASSWORD", "")


def test_of_a_cluster_it_names_the_rights_that_a_cluster_and_waiting_for_replicas_need(
    check: Any, quiet_cluster: ClusterSet
) -> None:
    further = ["+cluster|info", "+cluster|slots", "+asking", "+command"]
    report = json.loads(check(quiet_cluster.url, "--json").stdout)
    assert (report["fit"], report["problems"], report["missing_rights"]) == (True, [], {})
    assert set(report["acl"].split()) - set(acl_rules("test:")) == set(further)
    rules = [*acl_rules("test:"), *further]
    url = quiet_cluster.url.replace("//", "//gatepost:pw@")
    for lacking, kind in (("+zadd", "warning: limits:"), ("+asking", "problem:"), ("+wait", "problem:")):
        for node in quiet_cluster.nodes:
            with node.client as client:
                granted = [rule for rule in [*rules, "+wait"] if rule != lacking]
                client.execute_command("ACL", "SETUSER", "gatepost", "reset", "on", ">pw", *granted)
        result = check(url, revoke_wait_replicas=1)
        assert f"{kind} the user may not run {lacking[1:]}\n" in result.stdout
        assert result.stdout.count("the user may not run") == 1
        assert "+asking +command +wait" in result.stdout


def test_a_database_needs_the_right_to_choose_it(check: Any) -> None:
    server = Node()
    try:
        server.start()
        assert "+select" in check(f"redis://{server.host}/3").stdout
        assert "+select" not in check(f"redis://{server.host}").stdout
    finally:
        server.remove()


def test_a_replica_and_a_server_that_is_away_are_not_fit(check: Any, own_valkey: Valkey) -> None:
    with own_valkey.client as other:
        other.replicaof("127.0.0.1", 1)
    result = check(own_valkey.url, timeout="200ms")
    assert result.exit_code == 1
    assert "read-only replica" in result.stderr
    own_valkey.kill()
    assert "can't be reached" in check(own_valkey.url, timeout="200ms").stderr


def test_a_wrong_configuration_is_exit_status_2(check: Any) -> None:
    assert check("nonsense").exit_code == 2
