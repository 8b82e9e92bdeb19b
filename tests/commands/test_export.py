"""`gatepost export`: the file in the words of other programs."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.commands.conftest import gatepost


def test_the_export_for_envoy_is_its_configuration_with_what_is_otherwise(file: Path) -> None:
    result = gatepost("export", "envoy", "--gateway", "http://10.0.0.7:8280")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("# Made by `gatepost export envoy`.\n")
    assert (
        "# - route GET /orders: proxied by the gateway: rewrite_answers under strip_prefix\n" in result.stdout
    )
    found = yaml.safe_load(result.stdout)
    (gateway,) = found["static_resources"]["clusters"]
    address = gateway["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
    assert address == {"socket_address": {"address": "10.0.0.7", "port_value": 8280}}
    as_json = gatepost("export", "envoy", "--gateway", "http://10.0.0.7:8280", "--json")
    assert json.loads(as_json.stdout) == found
    assert "route GET /orders: proxied by the gateway" in as_json.stderr


def test_a_gateway_that_is_no_url_is_refused() -> None:
    for wrong in ("10.0.0.7:8280", "http://h/base", "ftp://h"):
        result = gatepost("export", "envoy", "--gateway", wrong)
        assert result.exit_code == 2
        assert "--gateway" in result.stderr


def test_a_file_with_a_problem_is_not_exported(file: Path) -> None:
    file.write_text("routes: [{path: /a}]")
    result = gatepost("export", "envoy")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "routes[0].upstream: is missing" in result.stderr


def test_the_export_for_kubernetes_is_its_resources_with_what_is_otherwise_on_standard_error(
    file: Path,
) -> None:
    words = ("export", "kubernetes", "--namespace", "shop", "--service", "front:8280", "--gateway-class", "c")
    result = gatepost(*words)
    assert result.exit_code == 0
    assert result.stdout.startswith("# Made by `gatepost export kubernetes`.\n")
    assert "&id" not in result.stdout, "no anchors, which some tools can't read"
    reason = "route GET /orders: proxied by the gateway: rewrite_answers under strip_prefix"
    assert reason in result.stderr.splitlines()
    found = list(yaml.safe_load_all(result.stdout))
    assert {one["metadata"]["namespace"] for one in found} == {"shop"}
    (gateway,) = [one for one in found if one["kind"] == "Gateway"]
    assert gateway["spec"]["gatewayClassName"] == "c"
    (security,) = [one for one in found if one["kind"] == "SecurityPolicy"]
    (service,) = security["spec"]["extAuth"]["http"]["backendRefs"]
    assert (service["name"], service["port"]) == ("front", 8280)
    as_json = gatepost(*words, "--json")
    assert json.loads(as_json.stdout) == {"apiVersion": "v1", "kind": "List", "items": found}
    assert reason in as_json.stderr.splitlines()


def test_names_that_kubernetes_does_not_take_are_refused(file: Path) -> None:
    for option, wrong in (
        ("--namespace", "Shop"),
        ("--namespace", "a.b"),
        ("--service", "gatepost"),
        ("--service", "gatepost:0"),
        ("--service", "-:80"),
        ("--service", "gatepost:65536"),
    ):
        result = gatepost("export", "kubernetes", option, wrong)
        assert (result.exit_code, result.stdout) == (2, "")
        assert option in result.stderr
    file.write_text("routes: [{path: /a}]")
    assert gatepost("export", "kubernetes").exit_code == 2
