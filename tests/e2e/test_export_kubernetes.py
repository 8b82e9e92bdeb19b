"""What `gatepost export kubernetes` prints, judged by the Gateway API's own schemas."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import gatepost
from tests.e2e.conftest import merged
from tests.e2e.test_npm import packages, run_node

__all__ = ["packages"]

CONFIG = """
server:
  listen: [{port: 8280}, {port: 80, redirect: https}, {port: 8443, tls: auto}]
  trusted_proxies: [10.0.0.0/8]
store: {url: "redis://127.0.0.1:1"}
tokens: {key: "0123456789abcdef0123456789abcdef0123456789"}
upstreams:
  orders:
    servers:
      - {url: "https://orders.shop.svc:9001/base"}
      - {url: "https://orders.shop.svc:9002/base", weight: 2}
    tls: {server_name: orders.example}
    health: {path: /up}
  stock: {servers: [{url: "http://stock.shop.svc"}], host_header: stock.example}
  calls: {protocol: grpc, servers: [{url: "http://calls:50051"}]}
routes:
  - {path: /orders, methods: [GET, HEAD, PUT], upstream: orders, rewrite_answers: false, scopes: [a]}
  - {path: "/orders/{id}/lines", upstream: orders, where: {headers: {X-Version: "2"}, query: {beta: "1"}}}
  - {path: /Stock, match: exact, case_sensitive: false, upstream: stock, strip_prefix: false}
  - {path: /stock/all, match: exact, upstream: stock, strip_prefix: false, host: "*.example.org"}
  - {path: /kept, upstream: stock}
  - {path: /shop.Orders/Get, upstream: calls, strip_prefix: false, host: grpc.example.com}
  - {path: /shop.Stock, upstream: calls, strip_prefix: false, host: grpc.example.com}
  - {path: /, upstream: calls, strip_prefix: false, host: all.example.com}
"""
GATEWAY_API = "gateway.networking.k8s.io/v1"
KINDS = {"Gateway", "HTTPRoute", "GRPCRoute", "BackendTLSPolicy"}
JUDGE = """
import * as kinds from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1";
const { documents } = JSON.parse(process.env.GATEPOST);
const found = [];
for (const document of documents)
  try { new kinds[document.kind](document).validate(); }
  catch (error) { found.push(`${document.kind} ${document.metadata.name}: ${error.message}`); }
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What is printed for a file with every kind of route."""
    file = tmp_path_factory.mktemp("kubernetes") / "gateway.yaml"
    file.write_text(CONFIG)
    with chdir(file.parent):
        done = gatepost("export", "kubernetes", "-c", str(file), "--json", "--namespace", "shop")
    assert done.exit_code == 0, done.stderr
    items: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return items


def judged(documents: list[dict[str, Any]], packages: Path, folder: Path) -> list[str]:
    """What the schemas refuse; empty: nothing."""
    found: list[str] = json.loads(run_node(JUDGE, {"documents": documents, "folder": str(folder)}, packages))
    return found


def test_the_schemas_of_the_gateway_api_accept_what_is_exported_for_kubernetes(
    exported: list[dict[str, Any]], packages: Path, tmp_path: Path
) -> None:
    own = [one for one in exported if one["apiVersion"] == GATEWAY_API]
    assert {one["kind"] for one in own} == KINDS
    assert judged(own, packages, tmp_path) == []


def test_the_schemas_of_the_gateway_api_refuse_what_is_wrong(
    exported: list[dict[str, Any]], packages: Path, tmp_path: Path
) -> None:
    by_kind = {one["kind"]: one for one in exported if one["apiVersion"] == GATEWAY_API}
    route = by_kind["HTTPRoute"]
    wrong = [
        merged(route, {"spec": {"hostnames": ["Not a host"]}}),
        merged(route, {"spec": {"rules": [{"matches": [{"path": {"type": "Regex", "value": "/"}}]}]}}),
        merged(by_kind["Gateway"], {"spec": {"listeners": [{"name": "a", "port": 0, "protocol": "HTTP"}]}}),
        merged(by_kind["BackendTLSPolicy"], {"spec": {"validation": {"hostname": "10.0.0.1:80"}}}),
        merged(by_kind["GRPCRoute"], {"spec": {"rules": [{"matches": [{"method": {"type": "Prefix"}}]}]}}),
    ]
    assert len(judged(wrong, packages, tmp_path)) == len(wrong)
