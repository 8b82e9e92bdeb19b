"""`gatepost test`: what is expected of requests, held against a configuration without a network."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import gatepost, said

EXPECTATIONS = """\
tests:
  - request: GET /orders/7
    client: demo
    scopes: [orders.read]
    expect: {status: 200, route: /orders, upstream: GET /7}
  - {request: DELETE /orders/7, client: demo, expect: {status: 405}}
  - {request: GET /orders/7, expect: {status: 401, route: /orders}}
  - {request: GET /orders/7, client: demo, scopes: [default], expect: {status: 403}}
  - {request: GET /nothing, client: demo, expect: {status: 404}}
  - {request: GET /orders/..;x/admin, client: demo, expect: {status: 400}}
"""


@pytest.fixture(autouse=True)
def away(file: Path) -> None:
    """The store is out of reach: nothing may ask it."""
    file.write_text(file.read_text().replace("store:", "# store:") + "store: {url: 'redis://127.0.0.1:1'}\n")


def expectations(text: str = EXPECTATIONS) -> Path:
    path = Path("expectations.yaml")
    path.write_text(text)
    return path


def test_expectations_that_hold_end_with_0() -> None:
    result = gatepost("test", str(expectations()))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "6 of 6 expectations hold\n"


def test_each_one_that_does_not_hold_is_a_line_with_its_place_and_the_reason() -> None:
    text = EXPECTATIONS.replace("{status: 403}", "{status: 200}").replace("GET /7}", "GET /8}")
    result = gatepost("test", str(expectations(text)))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "expectations.yaml:2: GET /orders/7 (demo): upstream is GET /7, not GET /8; goes upstream",
        "expectations.yaml:8: GET /orders/7 (demo): status is 403, not 200; "
        "the token lacks the scope orders.read",
        "4 of 6 expectations hold",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("client: nobody", "there is no client nobody in the file"),
        ("client: demo, scopes: [admin]", "the client demo may not have all of these scopes: admin"),
    ],
)
def test_a_client_that_gets_no_token_is_said_so(line: str, reason: str) -> None:
    path = expectations(f"tests: [{{request: GET /orders, {line}, expect: {{status: 200}}}}]")
    result = gatepost("test", str(path))
    assert result.exit_code == 1
    assert result.stdout.startswith("expectations.yaml:1: GET /orders")
    assert f"status is 401, not 200; {reason}" in result.stdout


def test_programs_get_json() -> None:
    result = gatepost("test", str(expectations()), "--json")
    first = json.loads(result.stdout)[0]
    assert (first["holds"], first["status"], first["upstream"], first["line"]) == (True, 200, "GET /7", 2)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tests: []", "expectations.yaml:1:8: tests: must not be empty"),
        ("tests: [{request: GET /, expct: {}, expect: {}}]", "unknown key (did you mean expect?)"),
        ("tests: [{request: GET, expect: {}}]", "must be a method and a path or URL"),
        ("tests: [", "expectations.yaml:1:"),
    ],
)
def test_a_wrong_file_ends_with_2_and_every_problem(text: str, problem: str) -> None:
    result = gatepost("test", str(expectations(text)))
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr


def test_a_missing_file_ends_with_2() -> None:
    assert "missing.yaml" in said("test", "missing.yaml", code=2)


def test_explain_also_says_whether_a_client_may() -> None:
    may = gatepost("explain", "GET", "/orders/7", "--client", "demo")
    assert may.stdout.splitlines()[-1] == "demo:         200, goes upstream"
    may_not = gatepost("explain", "GET", "/orders/7", "--client", "demo", "--scope", "default")
    assert may_not.stdout.splitlines()[-1] == "demo:         403, the token lacks the scope orders.read"


def test_a_tool_of_an_mcp_server_needs_its_scopes(file: Path) -> None:
    mcp = "{tools: {delete_order: [orders.write]}, default: [orders.read]}"
    route = f"  - {{path: /mcp, upstream: 'http://127.0.0.1:1', mcp: {mcp}}}\n"
    file.write_text(file.read_text().replace("routes:\n", f"routes:\n{route}"))
    line = "  - {request: POST /mcp, client: demo, scopes: [orders.read], tool: %s, expect: {status: %d}}\n"
    text = "tests:\n" + line % ("get_order", 200) + line % ("delete_order", 403)
    assert gatepost("test", str(expectations(text))).stdout == "2 of 2 expectations hold\n"
    failing = gatepost("test", str(expectations("tests:\n" + line % ("delete_order", 200)))).stdout
    assert "the token lacks the scope orders.write, which the tool delete_order needs" in failing
    asked = (
        "explain",
        "POST",
        "/mcp",
        "--client",
        "demo",
        "--scope",
        "orders.read",
        "--tool",
        "delete_order",
    )
    explained = gatepost(*asked).stdout
    assert "Mcp (delete_order: orders.write, all else: orders.read)" in explained
    assert "demo:         403, the token lacks the scope orders.write" in explained


def test_a_client_may_have_a_token_for_a_resource_of_the_gateway_that_it_reaches(file: Path) -> None:
    routes = "".join(
        f"  - {{path: /{name}, upstream: 'http://h', scopes: [{scope}], audience: '{audience}'}}\n"
        for name, scope, audience in (
            ("own", "orders.read", "https://localhost:8243/own"),
            ("out-of-reach", "admin", "https://localhost:8243/out-of-reach"),
            ("other", "orders.read", "https://other.example/own"),
        )
    )
    file.write_text(file.read_text().replace("routes:\n", f"routes:\n{routes}"))
    line = "  - {request: GET /%s, client: demo, expect: {status: %d}}\n"
    text = "tests:\n" + line % ("own", 200) + line % ("out-of-reach", 403) + line % ("other", 403)
    assert gatepost("test", str(expectations(text))).stdout == "3 of 3 expectations hold\n"
