"""`gatepost prune`: what nobody has used, as a diff of the file."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from gateway.store.usage import CELLS
from tests.commands.conftest import gatepost, said, shown
from tests.conftest import Valkey

prune_module = import_module("gateway.commands.prune")
ROUTES = """\
routes:
  - {path: /orders, methods: [GET], upstream: orders, scopes: [orders.read]}
  - path: /orders           # to write
    methods: [POST]
    upstream: orders
    scopes: [orders.write]
  - {path: /open, upstream: orders, auth: none}
"""
CLIENTS = """\
include: [routes.yaml]
upstreams: {orders: {servers: [{url: "http://127.0.0.1:9001"}]}}
grants: {password: {enabled: true}}
clients:
  - id: shop                # busy
    secrets: [a-secret-of-some-length]
    grants: [client_credentials, password]
    scopes: [orders.read, orders.write, upstreams.own]
  - {id: kiosk, secrets: [a-secret-of-some-length]}
"""
READ = {"method": "GET", "path": "/orders/7", "status": 200, "route": "/orders", "client": "shop"}
TOKEN = {"method": "POST", "path": "/token", "status": 200, "route": "/token", "client": "shop"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("routes.yaml").write_text(ROUTES)
    Path("gateway.yaml").write_text(CLIENTS)
    return tmp_path


def at(days: float) -> str:
    time = datetime.now(UTC) - timedelta(days=days)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def logged(*entries: tuple[float, dict[str, Any]]) -> str:
    lines = [json.dumps({"time": at(days), "logger": "access", **entry}) + "\n" for days, entry in entries]
    Path("access.jsonl").write_text("".join(lines))
    return "access.jsonl"


USED = ((40, READ | {"method": "POST"}), (20, READ), (20, TOKEN | {"grant": "client_credentials"}))


def test_what_was_not_used_goes_out_of_each_file_and_the_rest_stays() -> None:
    result = gatepost("prune", logged(*USED))
    assert (result.exit_code, result.stderr) == (0, "")
    Path("changes.diff").write_text(result.stdout)
    subprocess.run(["patch", "-p0", "-i", "changes.diff"], check=True, capture_output=True)
    assert Path("routes.yaml").read_text() == "".join(ROUTES.splitlines(keepends=True)[:2])
    assert Path("gateway.yaml").read_text() == (
        CLIENTS.replace("[client_credentials, password]", "[client_credentials]").replace(
            "[orders.read, orders.write, upstreams.own]", "[orders.read, upstreams.own]"
        )
    )
    assert gatepost("check").exit_code == 0
    assert "# client kiosk made no request: see `enabled`" in result.stdout


def test_the_same_as_json() -> None:
    found = shown("prune", logged(*USED), "--json")
    assert found["routes"] == ["POST /orders", "/open"]
    assert (found["scopes"], found["grants"]) == ({"shop": ["orders.write"]}, {"shop": ["password"]})
    assert found["clients"] == ["kiosk"]
    assert set(found["diff"]) == {"gateway.yaml", "routes.yaml"}


def test_a_shorter_time_sees_less_use() -> None:
    assert shown("prune", logged(*USED), "--json", "--days", "39")["routes"] == ["POST /orders", "/open"]
    log = logged(*USED, (50, READ))
    assert shown("prune", log, "--json", "--days", "45")["routes"] == ["/open"]


def test_without_grants_in_the_log_nothing_is_said_of_them() -> None:
    found = shown("prune", logged(*USED[:2], (20, TOKEN)), "--json")
    assert found["grants"] == {}
    assert "the logs name no grants: nothing is said of them" in found["notes"]


def test_logs_that_do_not_reach_back_decide_nothing() -> None:
    assert "that is less than 30 days. Give older ones" in said("prune", logged((9, READ)))
    Path("empty").touch()
    assert "the logs have no requests" in said("prune", "empty")
    assert "No such file" in said("prune", "no.log", code=2)
    assert gatepost("prune").exit_code == 2


def test_a_file_that_extends_another_is_not_the_one_to_change() -> None:
    Path("live.yaml").write_text("extends: gateway.yaml\n")
    refused = said("prune", logged((40, READ)), "-c", "live.yaml")
    assert refused == "gatepost: live.yaml extends gateway.yaml: give -c that file, which has the routes"


def test_clients_of_the_store_are_judged_by_their_usage_counts(
    file: Path, valkey: Valkey, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("busy", "idle"):
        assert gatepost("client", "create", "--id", name).exit_code == 0
    assert shown("prune", "--store", "--json")["stored_clients"] == [], "they are younger than that"
    later = datetime.now(UTC).timestamp() + 40 * 86_400
    monkeypatch.setattr(prune_module, "system_clock", lambda: later)
    day = int(later) // 86_400
    with valkey.client as client:
        client.hset(f"{prefix}n:busy", f"d{day % 31}", f"{day}:1" + ",0" * (CELLS - 1))
    assert shown("prune", "--store", "--json")["stored_clients"] == ["idle"]
    assert "gatepost client disable idle" in gatepost("prune", "--store").stdout
    assert "for 31 days only" in said("prune", "--store", "--days", "60")
