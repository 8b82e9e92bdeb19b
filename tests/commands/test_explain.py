"""`gatepost explain`: the words for a request, from the file alone."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import gatepost


@pytest.fixture(autouse=True)
def routes(file: Path) -> None:
    """Routes with plugins, to an upstream by name and one by URL, with the store out of reach."""
    text = file.read_text().replace("store:", "# store:")
    text += '  - {path: /open, upstream: "http://127.0.0.1:9002/base", auth: none}\n'
    text += "plugins: [{use: request_id}]\nstore: {url: 'redis://127.0.0.1:1'}\n"
    file.write_text(text)


def test_the_whole_way_of_a_request_is_reported_without_a_store() -> None:
    result = gatepost("explain", "GET", "https://api.example.org/orders/7?full=1")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "route         /orders (prefix), methods: GET"
    assert lines[1] == "access        valid token with scopes orders.read"
    assert "upstream      orders (http://127.0.0.1:9001)" in lines
    assert "  GET /7?full=1 HTTP/1.1" in lines
    assert "  X-Client-Id: <the token's client>" in lines
    assert "  X-Forwarded-Host: api.example.org" in lines


def test_the_method_may_be_written_small_and_the_url_be_a_path() -> None:
    result = gatepost("explain", "post", "/open/a%20b")
    assert result.exit_code == 0
    assert "open to all (auth: none)" in result.stdout
    assert "  POST /base/a%20b HTTP/1.1" in result.stdout


def test_endpoints_are_the_gateways_own() -> None:
    result = gatepost("explain", "POST", "/token")
    assert (result.exit_code, result.stdout) == (0, "POST /token is an endpoint of the gateway.\n")


@pytest.mark.parametrize(
    ("method", "url", "lines"),
    [
        ("GET", "/nowhere", ["404 "]),
        ("DELETE", "/orders", ["405 ", "Allow: GET"]),
        ("GET", "/orders/../x", ["400 "]),
        ("GET", "/orders/%2e%2e/x", ["400 "]),
    ],
)
def test_what_a_caller_would_be_refused_is_refused_with_the_same_status(
    method: str, url: str, lines: list[str]
) -> None:
    result = gatepost("explain", method, url)
    assert (result.exit_code, result.stdout) == (1, "")
    for line, start in zip(result.stderr.splitlines(), lines, strict=True):
        assert line.startswith(start)


def test_both_words_are_needed() -> None:
    result = gatepost("explain", "GET")
    assert result.exit_code == 2
    assert "Missing argument 'URL'" in result.stderr


def test_headers_of_the_request_may_choose_the_route(file: Path) -> None:
    text = file.read_text()
    where = 'where: {headers: {X-Version: "2"}}'
    new = (
        f'  - {{path: "/orders/{{id}}", upstream: "http://127.0.0.1:9003", {where}, case_sensitive: false}}\n'
    )
    file.write_text(text.replace("routes:\n", "routes:\n" + new, 1))
    lines = gatepost("explain", "GET", "/Orders/7", "-H", "x-version: 2").stdout.splitlines()
    assert (
        lines[0] == "route         /orders/{id} (prefix, any case), where header x-version: 2, methods: all"
    )
    assert "  GET /Orders/7 HTTP/1.1" in lines
    assert gatepost("explain", "GET", "/orders/7").stdout.startswith("route         /orders (prefix)")
    assert gatepost("explain", "GET", "/orders/7", "-H", "x").exit_code == 2


def test_as_json_it_is_one_object_with_what_the_client_may() -> None:
    result = gatepost("explain", "GET", "/orders/7", "--client", "warehouse", "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["route"]) == (0, "/orders (prefix), methods: GET")
    assert facts["request_line"] == "GET /7 HTTP/1.1"
    assert ["X-Client-Id", "<the token's client>"] in facts["headers"]
    assert facts["client"]["client_id"] == "warehouse"
    assert json.loads(gatepost("explain", "POST", "/token", "--json").stdout) == {"endpoint": True}


def test_as_json_a_refusal_is_what_a_caller_would_be_told() -> None:
    result = gatepost("explain", "DELETE", "/orders", "--json")
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["status"], facts["headers"]["Allow"]) == (1, 405, "GET")


def test_of_a_route_that_is_only_verified_the_answer_to_the_proxy_is_told(file: Path) -> None:
    file.write_text(file.read_text().replace("plugins:", "  - {path: /only, verify_only: true}\nplugins:"))
    result = gatepost("explain", "GET", "/only/7", "--client", "demo")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "upstream      none: requests are judged at /auth/verify, and never proxied" in lines
    assert (
        "  X-Client-Id: <the token's client>"
        in lines[lines.index("answered to the proxy, for its upstream:") :]
    )
    assert not [line for line in lines if "HTTP/1.1" in line or "X-Forwarded" in line]
    assert lines[-1] == "demo:         200, is let through by /auth/verify, and never proxied"
