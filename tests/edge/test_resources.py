"""What Envoy is told, as pure values."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.config.tls_parameters import GROUPS, TLS_1_2_CIPHERS
from gateway.edge.clusters import GATEWAY
from gateway.edge.configuration import EdgeCertificate, EdgeConfiguration, EdgeListener
from gateway.edge.resources import CLUSTERS, LISTENERS, no_listeners, resources
from gateway.edge.tls import filter_chains, tls_transport
from gateway.http.edge_header import EdgeHeader
from tests.config.example import settings

FOLDER = Path("/run/edge")
SOCKETS = (FOLDER / "worker-1-0.sock", FOLDER / "worker-1-1.sock")


def certificate(*names: str, ca: str | None = None) -> EdgeCertificate:
    return EdgeCertificate(frozenset(names), f"chain of {names[0]}", f"key of {names[0]}", ca)


def told(*http: Any, certificates: tuple[EdgeCertificate, ...] = ()) -> dict[str, Any]:
    listener = EdgeListener(1, "127.0.0.1", 443, http, certificates)
    header = EdgeHeader("x-0123")
    return resources(
        EdgeConfiguration(settings("management: false"), (listener,), SOCKETS, header, FOLDER), "7"
    )


def manager(listener: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def test_the_edge_reads_listeners_last_so_that_all_they_need_is_there() -> None:
    files = told(1, 2, certificates=(certificate("a.test", ca="authority"),))
    assert list(files) == [
        "certificate-1-0.json",
        "authority-1-0.json",
        "listener-1.json",
        CLUSTERS,
        LISTENERS,
    ]
    assert {one["version_info"] for one in files.values()} == {"7"}
    assert no_listeners("8") == {LISTENERS: {"version_info": "8", "resources": []}}


def test_all_requests_at_the_edge_go_to_the_workers_with_the_secret_header() -> None:
    files = told(1, 2, certificates=(certificate("a.test"),))
    (routes,) = files["listener-1.json"]["resources"]
    (route,) = routes["virtual_hosts"][0]["routes"]
    assert route["route"] == {"cluster": GATEWAY, "timeout": "0s", "idle_timeout": "0s"}
    (added,) = route["request_headers_to_add"]
    assert added["header"]["key"] == "x-0123"
    assert added["header"]["value"].startswith("https ")
    assert added["append_action"] == "OVERWRITE_IF_EXISTS_OR_ADD"
    (cluster,) = files[CLUSTERS]["resources"]
    endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert [one["endpoint"]["address"]["pipe"]["path"] for one in endpoints] == [str(one) for one in SOCKETS]


@pytest.mark.parametrize(
    ("http", "codecs", "alpn"),
    [
        ((1, 2), ["AUTO"], ["h2", "http/1.1"]),
        ((2,), ["HTTP2"], ["h2"]),
        ((1, 2, 3), ["AUTO", "HTTP3"], ["h2", "http/1.1"]),
        ((1, 3), ["HTTP1", "HTTP3"], ["http/1.1"]),
    ],
)
def test_an_edge_listener_speaks_what_it_is_told_to(
    http: tuple[int, ...], codecs: list[str], alpn: list[str]
) -> None:
    found = told(*http, certificates=(certificate("a.test"),))[LISTENERS]["resources"]
    assert [manager(one)["codec_type"] for one in found] == codecs
    context = found[0]["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]
    assert context["alpn_protocols"] == alpn
    assert context["tls_params"]["cipher_suites"] == list(TLS_1_2_CIPHERS)
    assert context["tls_params"]["ecdh_curves"] == list(GROUPS)


def test_the_edge_changes_nothing_that_the_gateway_judges_by() -> None:
    (listener,) = told(1, 2)[LISTENERS]["resources"]
    found = manager(listener)
    assert not found["normalize_path"]
    assert not found["merge_slashes"]
    assert found["path_with_escaped_slashes_action"] == "KEEP_UNCHANGED"
    assert not found["generate_request_id"]
    assert found["skip_xff_append"]
    assert "transport_socket" not in listener["filter_chains"][0]


def test_keys_at_the_edge_are_in_secrets_alone() -> None:
    files = told(1, 2, 3, certificates=(certificate("a.test"), certificate("b.test")))
    holding = [name for name, content in files.items() if "key of" in json.dumps(content)]
    assert holding == ["certificate-1-0.json", "certificate-1-1.json"]


def test_each_name_has_one_certificate_at_the_edge_and_the_first_is_the_default() -> None:
    both = certificate("a.test", "*.test", "192.0.2.1"), certificate("a.test", "b.test", "::1")
    listener = EdgeListener(0, "127.0.0.1", 443, (1, 2), (*both, certificate("a.test")))
    found = filter_chains(listener, [], FOLDER, tls_transport)
    assert [one.get("filter_chain_match") for one in found] == [None, {"server_names": ["b.test"]}]
