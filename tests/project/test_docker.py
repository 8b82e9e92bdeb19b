"""The image and the compose file agree with the source, as far as reading shows it."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from typing import Any

import pytest
import yaml

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
    assert used == set(COMPOSE["volumes"])


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
