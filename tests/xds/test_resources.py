"""An exported configuration as resources of xDS."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.export.envoy import EnvoyOptions, export_envoy
from gateway.export.envoy_clusters import Json
from gateway.xds.bootstrap import xds_bootstrap
from gateway.xds.messages import check_resources
from gateway.xds.resources import CLUSTER, LISTENER, ROUTES, SECRET, Resources, xds_resources
from tests.certificates import Certificate
from tests.config.example import settings

FILE = """
server: {{state_dir: /s, listen: [{{host: 127.0.0.1, port: 80}}, {{port: 443, tls: auto}}]}}
upstreams:
  orders: {{servers: [{{url: "https://h"}}], tls: {{ca: {folder}/ca.pem, certificate: {folder}/c.pem}}}}
  plain: {{servers: [{{url: "https://i"}}]}}
routes:
  - {{path: {path}, upstream: orders, strip_prefix: false}}
  - {{path: /plain, upstream: plain, strip_prefix: false}}
"""
OPTIONS = EnvoyOptions(("http://127.0.0.1:8280",), http3=True, lua=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ca", "c"):
        Certificate().file(tmp_path, name)
    return tmp_path


def bootstrap(folder: Path, path: str = "/a") -> Json:
    return export_envoy(settings(FILE.format(folder=folder, path=path)), OPTIONS).bootstrap


def made(folder: Path, path: str = "/a", content: str = "pem of") -> Resources:
    return xds_resources(bootstrap(folder, path), lambda file: f"{content} {file}")


def test_routes_and_certificates_are_resources_of_their_own(folder: Path) -> None:
    found = made(folder)
    assert list(found[LISTENER]) == ["tcp:127.0.0.1:80", "tcp:0.0.0.0:443", "udp:0.0.0.0:443"]
    assert list(found[ROUTES]) == list(found[LISTENER])
    assert list(found[CLUSTER]) == ["gatepost", "orders", "plain"]
    assert list(found[SECRET]) == [f"{folder}/c.pem", "/s/certificate.pem"]
    (chain,) = found[LISTENER]["tcp:0.0.0.0:443"].value["filter_chains"]
    context = chain["transport_socket"]["typed_config"]["common_tls_context"]
    assert [one["name"] for one in context["tls_certificate_sds_secret_configs"]] == ["/s/certificate.pem"]
    assert chain["filters"][0]["typed_config"]["rds"]["route_config_name"] == "tcp:0.0.0.0:443"


def test_files_are_sent_along_but_for_those_that_every_system_has(folder: Path) -> None:
    found = made(folder)
    key = found[SECRET]["/s/certificate.pem"].value["tls_certificate"]["private_key"]
    assert key == {"inline_string": "pem of /s/key.pem"}
    clusters = {name: one.value.get("transport_socket") for name, one in found[CLUSTER].items()}
    authorities = {
        name: one["typed_config"]["common_tls_context"]["validation_context"]["trusted_ca"]
        for name, one in clusters.items()
        if one
    }
    assert authorities == {
        "orders": {"inline_string": f"pem of {folder}/ca.pem"},
        "plain": {"filename": "/etc/ssl/certs/ca-certificates.crt"},
    }


def test_a_version_changes_with_the_value_alone(folder: Path) -> None:
    first, again, routes, files = (
        made(folder),
        made(folder),
        made(folder, "/b"),
        made(folder, content="another of"),
    )

    def changed(other: Resources) -> list[str]:
        return [kind for kind, found in first.items() if found != other[kind]]

    assert changed(again) == []
    assert ROUTES in changed(routes)
    assert CLUSTER not in changed(routes)
    assert changed(files) == [SECRET, CLUSTER]


def test_a_file_that_can_not_be_read_is_an_error(folder: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        xds_resources(bootstrap(folder), lambda file: Path("/nowhere", file.strip("/")).read_text())


def test_all_resources_have_the_form_of_their_type(folder: Path) -> None:
    found = made(folder)
    check_resources(found)
    cluster = dict(found[CLUSTER]["plain"].value) | {"no_such_key": 1}
    found[CLUSTER]["plain"].value.update(cluster)
    with pytest.raises(ValueError, match="no_such_key"):
        check_resources(found)


def test_envoys_reach_the_server_by_its_socket_or_by_mutual_tls() -> None:
    (unix,) = xds_bootstrap("unix:/run/x.sock", 10)["static_resources"]["clusters"]
    (tcp,) = xds_bootstrap("xds.example:18000", 10)["static_resources"]["clusters"]
    endpoint = unix["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    assert endpoint["address"] == {"pipe": {"path": "/run/x.sock"}}
    assert ("transport_socket" in unix, "transport_socket" in tcp) == (False, True)
