"""`gatepost explain`: the words for a request, from the file alone."""

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


def test_the_whole_way_of_a_request_is_told_without_a_store() -> None:
    result = gatepost("explain", "GET", "https://api.example.org/orders/7?full=1")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "route         /orders (and all below), methods: GET"
    assert lines[1] == "who may call  who has a live token with the scopes orders.read"
    assert "upstream      orders (http://127.0.0.1:9001)" in lines
    assert "  GET /7?full=1 HTTP/1.1" in lines
    assert "  X-Client-Id: <the token's client>" in lines
    assert "  X-Forwarded-Host: api.example.org" in lines


def test_the_method_may_be_written_small_and_the_url_be_a_path() -> None:
    result = gatepost("explain", "post", "/open/a%20b")
    assert result.exit_code == 0
    assert "everybody (auth: none)" in result.stdout
    assert "  POST /base/a%20b HTTP/1.1" in result.stdout


def test_endpoints_are_the_gateways_own() -> None:
    result = gatepost("explain", "POST", "/token")
    assert (result.exit_code, result.stdout) == (0, "POST /token is an endpoint of the gateway's own.\n")


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
