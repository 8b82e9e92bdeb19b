"""`deploy/helm` and `deploy/kubernetes`: rendered by Helm, judged by Kubernetes' own schemas, and run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from jsonschema import Draft7Validator

from gateway import __version__
from gateway.config.units import parse_duration
from tests.commands.conftest import gatepost
from tests.conftest import Valkey
from tests.e2e.chart_values import CHOICES, EVERYTHING
from tests.e2e.conftest import StartGateway, merged
from tests.e2e.test_npm import packages, run_node
from tests.exactness.programs import program
from tests.project.imports import ROOT

__all__ = ["packages"]

CHART = ROOT / "deploy" / "helm" / "gatepost"
MANIFESTS = ROOT / "deploy" / "kubernetes"
ONLY_HELM = ("app.kubernetes.io/managed-by", "helm.sh/chart")
OLDEST, NEWEST = "1.27", "1.37"
"""Versions of Kubernetes: what Chart.yaml asks for, and the newest whose schemas are here."""

Objects = dict[str, dict[str, Any]]
"""Rendered objects by `Kind/name`."""
Render = Callable[[dict[str, Any]], Objects]


@pytest.fixture(scope="module")
def helm() -> str:
    if platform.machine() != "x86_64":
        pytest.skip("no package has Helm for this processor")
    return program("helm")


def templated(
    helm: str, folder: Path, values: dict[str, Any], *words: str
) -> subprocess.CompletedProcess[str]:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    command = [
        helm,
        "template",
        "gatepost",
        str(CHART),
        "--namespace",
        "gatepost",
        "--values",
        str(file),
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def objects(text: str) -> Objects:
    documents = [document for document in yaml.safe_load_all(text) if document]
    found = {f"{document['kind']}/{document['metadata']['name']}": document for document in documents}
    assert len(found) == len(documents), "two objects have one name"
    return found


@pytest.fixture(scope="module", params=CHOICES)
def rendered(request: pytest.FixtureRequest, helm: str, tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """The chart with each choice of values."""
    done = templated(helm, tmp_path_factory.mktemp("helm"), CHOICES[request.param])
    assert done.returncode == 0, done.stderr
    return objects(done.stdout)


@pytest.fixture(scope="module")
def by_default(helm: str, tmp_path_factory: pytest.TempPathFactory) -> Objects:
    done = templated(helm, tmp_path_factory.mktemp("helm"), {})
    assert done.returncode == 0, done.stderr
    return objects(done.stdout)


def the(found: Objects, kind: str) -> dict[str, Any]:
    """The only object of that kind, or the first."""
    return next(document for document in found.values() if document["kind"] == kind)


def pod(found: Objects) -> dict[str, Any]:
    spec: dict[str, Any] = the(found, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(found: Objects) -> dict[str, Any]:
    (only,) = pod(found)["containers"]
    assert isinstance(only, dict)
    return only


def gateway_yaml(found: Objects) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(the(found, "ConfigMap")["data"]["gateway.yaml"])
    return config


# The chart.


@pytest.mark.parametrize("choice", CHOICES)
def test_helm_lint_finds_nothing_in_the_chart(choice: str, helm: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(CHOICES[choice]))
    command = [helm, "lint", "--strict", "--values", str(values), str(CHART)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


JUDGE = """
import json, sys, kubernetes_validate
for document in json.load(sys.stdin):
    for version in sys.argv[1:]:
        kubernetes_validate.validate(document, version, strict=True)
"""


def judged(documents: list[dict[str, Any]]) -> str:
    """What Kubernetes' schemas of the oldest and the newest version say; empty: nothing."""
    python = ROOT / ".venv-kubernetes" / "bin" / "python"
    if not python.exists():
        assert "CI" not in os.environ, "scripts/test-programs installs kubernetes-validate"
        pytest.skip("kubernetes-validate is not installed")
    words = [str(python), "-c", JUDGE, OLDEST, NEWEST]
    text = json.dumps(documents)
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr or "failed"


FOREIGN = ("monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1")


def test_kubernetes_schemas_accept_each_rendered_object(rendered: Objects) -> None:
    own = [document for document in rendered.values() if document["apiVersion"] not in FOREIGN]
    assert len(own) >= 5
    assert judged(own) == ""


def test_kubernetes_schemas_refuse_a_misspelt_key(by_default: Objects) -> None:
    deployment = the(by_default, "Deployment")
    wrong = merged(deployment, {"spec": {"strategy": {"rollingUpdates": {}}}})
    assert "rollingUpdates" in judged([wrong])


CUSTOM = """
import * as routes from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1";
import * as monitoring from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
const kinds = { ...routes, ...monitoring };
const { documents } = JSON.parse(process.env.GATEPOST);
for (const document of documents) new kinds[document.kind](document).validate();
console.log(documents.map((document) => document.kind).sort().join());
"""


def test_the_schemas_of_custom_resources_accept_those_rendered(
    helm: str, packages: Path, tmp_path: Path
) -> None:
    found = objects(templated(helm, tmp_path, EVERYTHING).stdout)
    custom = [document for document in found.values() if document["apiVersion"] in FOREIGN]
    given = {"documents": custom, "folder": str(tmp_path)}
    assert run_node(CUSTOM, given, packages).strip() == "HTTPRoute,PrometheusRule,ServiceMonitor"


def test_the_chart_has_the_alerts_and_the_dashboard_of_the_repository(helm: str, tmp_path: Path) -> None:
    found = objects(templated(helm, tmp_path, EVERYTHING).stdout)
    grafana = ROOT / "deploy" / "grafana"
    assert the(found, "PrometheusRule")["spec"] == yaml.safe_load((grafana / "alerts.yml").read_text())
    shown = found["ConfigMap/gatepost-dashboard"]["data"]["gatepost.json"]
    assert json.loads(shown) == json.loads((grafana / "dashboard.json").read_text())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"config": {"store": {"url": "embedded"}}}, "pods need a Redis that they share"),
        ({"config": {"store": None}}, "pods need a Redis that they share"),
        ({"config": {"management": {"port": 1}}}, "use listen.management"),
        ({"config": {"server": {"listen": []}}}, "config.server.listen: the chart sets it"),
        ({"config": {"server": {"timeouts": {"drain": "1s"}}}}, "use shutdown"),
        ({"listen": {"https": {"enabled": True}}}, "name the Secret with the certificate"),
        ({"httpRoute": {"enabled": True}}, "name the Gateway that the route belongs to"),
        ({"listen": {"http": {"port": "x"}}}, "got string, want integer"),
        ({"replica": 3}, "additional properties 'replica' not allowed"),
    ],
)
def test_values_that_can_not_work_are_refused_with_the_reason(
    values: dict[str, Any], said: str, helm: str, tmp_path: Path
) -> None:
    done = templated(helm, tmp_path, values)
    assert done.returncode != 0
    assert said in done.stderr


def test_the_schema_of_values_knows_every_default_and_every_choice() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    Draft7Validator.check_schema(schema)
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(schema["properties"]) - {"global"} == set(defaults)
    for values in CHOICES.values():
        Draft7Validator(schema).validate(merged(defaults, values))


def test_chart_and_project_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == __version__
    assert f">={OLDEST}.0-0" == chart["kubeVersion"]


# What is rendered agrees with itself and with the gateway.


def test_a_pod_has_no_privileges(rendered: Objects) -> None:
    spec, only = pod(rendered), container(rendered)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert f"USER {spec['securityContext']['runAsUser']}\n" in (ROOT / "Dockerfile").read_text()
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert the(rendered, "ServiceAccount")["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == the(rendered, "ServiceAccount")["metadata"]["name"]
    assert spec["enableServiceLinks"] is False


def test_a_pod_can_write_where_the_gateway_does(rendered: Objects) -> None:
    empty = {volume["name"] for volume in pod(rendered)["volumes"] if "emptyDir" in volume}
    writable = {mount["mountPath"] for mount in container(rendered)["volumeMounts"] if mount["name"] in empty}
    assert writable == {gateway_yaml(rendered)["server"]["state_dir"], "/tmp"}


def test_a_pod_is_given_the_time_to_end(rendered: Objects) -> None:
    timeouts = gateway_yaml(rendered)["server"]["timeouts"]
    needed = parse_duration(timeouts["shutdown_delay"]) + parse_duration(timeouts["drain"])
    assert pod(rendered)["terminationGracePeriodSeconds"] >= needed + 5
    readiness = container(rendered)["readinessProbe"]
    noticed = readiness["periodSeconds"] * readiness["failureThreshold"]
    assert parse_duration(timeouts["shutdown_delay"]) > noticed, "it serves until nobody sends to it any more"


def test_the_ports_of_pod_service_and_configuration_are_the_same(rendered: Objects) -> None:
    config = gateway_yaml(rendered)
    public = {
        ("https" if listener.get("tls") else "http"): listener for listener in config["server"]["listen"]
    }
    ports = {port["name"]: port["containerPort"] for port in container(rendered)["ports"]}
    assert ports.pop("management") == config["management"]["port"]
    assert ports == {name: listener["port"] for name, listener in public.items()}
    assert {listener["host"] for listener in [*public.values(), config["management"]]} == {"0.0.0.0"}
    inner, outer = sorted(
        (document for document in rendered.values() if document["kind"] == "Service"),
        key=lambda service: "clusterIP" not in service["spec"],
    )
    assert {port["targetPort"] for port in outer["spec"]["ports"]} == set(ports), "management stays private"
    assert [port["targetPort"] for port in inner["spec"]["ports"]] == ["management"]


def test_every_selector_finds_the_pods(rendered: Objects) -> None:
    labels = the(rendered, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    selectors = [the(rendered, "Deployment")["spec"]["selector"]["matchLabels"]]
    for document in rendered.values():
        spec = document.get("spec", {})
        if document["kind"] == "Service":
            selectors.append(spec["selector"])
        elif document["kind"] in ("PodDisruptionBudget", "NetworkPolicy"):
            selectors.append((spec.get("selector") or spec["podSelector"])["matchLabels"])
        elif document["kind"] == "HorizontalPodAutoscaler":
            assert spec["scaleTargetRef"]["name"] == the(rendered, "Deployment")["metadata"]["name"]
    assert all(selector.items() <= labels for selector in selectors)


def test_only_peers_for_monitoring_reach_the_management_port(by_default: Objects) -> None:
    rules = the(by_default, "NetworkPolicy")["spec"]["ingress"]
    for rule in rules:
        if {"port": "management"} in rule["ports"]:
            assert rule["from"], "not everybody"
            assert rule["ports"] == [{"port": "management"}]
        else:
            assert rule == {"ports": [{"port": "http"}]}


def test_no_secret_is_in_the_manifests(rendered: Objects) -> None:
    assert not [name for name in rendered if name.startswith("Secret/")]
    config = gateway_yaml(rendered)
    assert config["store"]["url"] == "${GATEPOST_STORE}"
    assert config["tokens"]["key"] == "${GATEPOST_KEY}"


async def test_a_gateway_with_the_rendered_configuration_answers_every_probe(
    by_default: Objects, gateway: StartGateway, valkey: Valkey, prefix: str
) -> None:
    config = gateway_yaml(by_default)
    own: dict[str, Any] = {
        "server": {"listen": [{"host": "127.0.0.1", "port": 0}], "state_dir": "state"},
        "management": {"host": "127.0.0.1", "port": 0},
        "store": {"prefix": prefix},
    }
    own["server"]["timeouts"] = {"shutdown_delay": 0}
    running = gateway(merged(config, own), GATEPOST_STORE=valkey.url, GATEPOST_KEY="k" * 40)
    async with aiohttp.ClientSession() as session:
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container(by_default)[kind]["httpGet"]
            assert asked["port"] == "management"
            async with session.get(running.management + asked["path"]) as response:
                assert response.status == 200, kind


def test_gatepost_check_accepts_the_rendered_configuration(
    by_default: Objects, tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(the(by_default, "ConfigMap")["data"]["gateway.yaml"])
    monkeypatch.setenv("GATEPOST_STORE", valkey.url)
    monkeypatch.setenv("GATEPOST_KEY", "k" * 40)
    checked = gatepost("check", "-c", str(file))
    assert checked.exit_code == 0, checked.output
    monkeypatch.delenv("GATEPOST_KEY")
    checked = gatepost("check", "-c", str(file))
    assert checked.exit_code == 2
    assert "GATEPOST_KEY" in checked.output


# The manifests.


def without_helm(document: Any) -> Any:
    """Without the labels of Helm's own releases."""
    if isinstance(document, dict):
        return {key: without_helm(value) for key, value in document.items() if key not in ONLY_HELM}
    return [without_helm(one) for one in document] if isinstance(document, list) else document


def test_the_manifests_are_what_the_chart_renders_by_default(by_default: Objects) -> None:
    written = objects((MANIFESTS / "gatepost.yaml").read_text())
    assert written == without_helm(by_default), "make them anew: scripts/manifests"


def test_kustomize_takes_the_manifests() -> None:
    if platform.machine() != "x86_64":
        pytest.skip("no package has kubectl for this processor")
    kubectl = program("kubectl")
    done = subprocess.run([kubectl, "kustomize", MANIFESTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = objects(done.stdout)
    assert built.pop("Namespace/gatepost")["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted"
    }
    assert built == objects((MANIFESTS / "gatepost.yaml").read_text())
