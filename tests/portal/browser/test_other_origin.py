"""A page of another origin calls routes of the gateway: fetch, EventSource and WebSocket with a token."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import Valkey
from tests.portal.browser.conftest import PATIENCE
from tests.raw import LIMIT, RawMessage, RawUpstream, answer, raw_upstream
from tests.running import Running

PAGE = answer("200 OK", b"<!doctype html><title>app</title>", "Content-Type: text/html")
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n"
ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def api(asked: RawMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Data, events, or a WebSocket that says one word and closes."""
    if asked.header("Upgrade") is not None:
        key = (asked.header("Sec-WebSocket-Key") or "").encode()
        accept = base64.b64encode(hashlib.sha1(key + ACCEPT).digest())  # noqa: S324 (RFC 6455 section 4.2.2)
        writer.write(b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
        writer.write(b"Sec-WebSocket-Accept: %s\r\n\r\n\x81\x05hello\x88\x02\x0f\xa1" % accept)
        await reader.read()
        return False
    if "events" in asked.target:
        writer.write(EVENTS)
        await reader.read()
        return False
    session = ["Mcp-Session-Id: s1"] if asked.header("Mcp-Method") is not None else []
    writer.write(answer("200 OK", asked.target.encode(), *session))
    return True


@dataclass
class Stage:
    """An API behind a gateway, and the server of a page."""

    gateway: Running
    api: RawUpstream
    pages: RawUpstream
    token: str

    @property
    def url(self) -> str:
        """The gateway's, as pages know it."""
        return self.gateway.http.replace("127.0.0.1", "api.app.localhost")

    def page_url(self, host: str) -> str:
        return f"http://{host}:{self.pages.port}/"


@pytest.fixture(scope="module")
def stage(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with raw_upstream() as upstream, raw_upstream() as pages:
        upstream.reset(api)

        async def page(_: RawMessage, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
            writer.write(PAGE)
            return True

        pages.reset(page)
        origins = [f"http://*.app.localhost:{pages.port}"]
        cors = {"use": "cors", "with": {"origins": origins, "credentials": True}}
        config: dict[str, Any] = {
            "server": {"listen": [{"host": "127.0.0.1", "port": 0}]},
            "management": False,
            "store": {"url": valkey.url, "prefix": "other-origin:"},
            "tokens": {"key": "k" * 32},
            "clients": [{"id": "demo", "secrets": ["demo-secret"]}],
            "routes": [
                {
                    "path": "/mcp",
                    "upstream": upstream.url,
                    "mcp": {"tools": {"delete_order": ["admin"]}},
                    "plugins": [{"use": "cors", "with": {"origins": origins}}],
                },
                {
                    "path": "/api",
                    "upstream": upstream.url,
                    "token_from": ["header", "cookie:session", "websocket_protocol"],
                    "plugins": [cors],
                },
            ],
        }
        running = Running(config, tmp_path_factory.mktemp("other-origin"))
        running.await_ready()
        yield Stage(running, upstream, pages, token(running))
        running.stop()


def token(gateway: Running) -> str:
    basic = base64.b64encode(b"demo:demo-secret").decode()
    connection = http.client.HTTPConnection(urlsplit(gateway.http).netloc, timeout=LIMIT)
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/token", "grant_type=client_credentials", headers)
    found = str(json.load(connection.getresponse())["access_token"])
    connection.close()
    return found


def opened(browser: Browser, stage: Stage, host: str, *, cookie: bool) -> Page:
    """A page of the host, in a window of its own."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    if cookie:
        context.add_cookies([{"name": "session", "value": stage.token, "url": stage.url, "sameSite": "Lax"}])
    page = context.new_page()
    page.goto(stage.page_url(host))
    return page


FETCH = """async ([url, headers]) => {
    const response = await fetch(url, {headers, credentials: "include"});
    return [response.status, response.headers.get("WWW-Authenticate"), await response.text()];
}"""
MCP = """async ([url, token, headers, message]) => {
    const response = await fetch(url, {
        method: "POST",
        headers: {
            Authorization: `Bearer ${token}`,
            Accept: "application/json, text/event-stream",
            "Content-Type": "application/json",
            "MCP-Protocol-Version": "2026-07-28",
            ...headers,
        },
        body: JSON.stringify(message),
    });
    const told = ["Mcp-Session-Id", "WWW-Authenticate"].map(name => response.headers.get(name));
    return [response.status, ...told];
}"""
EVENT = """url => new Promise(resolve => {
    const source = new EventSource(url, {withCredentials: true});
    source.onmessage = event => { source.close(); resolve(event.data); };
    source.onerror = () => { source.close(); resolve("refused"); };
})"""
SOCKET = """([url, protocols]) => new Promise(resolve => {
    const socket = new WebSocket(url, protocols);
    let said = null;
    socket.onmessage = event => { said = event.data; };
    socket.onclose = event => resolve([socket.protocol, said, event.code]);
})"""


def test_a_page_fetches_with_a_token_in_the_header(browser: Browser, stage: Stage) -> None:
    page = opened(browser, stage, "one.app.localhost", cookie=False)
    bearer = {"Authorization": f"Bearer {stage.token}"}
    assert page.evaluate(FETCH, [f"{stage.url}/api/a", bearer]) == [200, None, "/a"]
    status, challenge, _ = page.evaluate(FETCH, [f"{stage.url}/api/a", {}])
    assert status == 401
    assert challenge.startswith("Bearer "), "the page can read it"


def test_what_a_browser_sends_raw_passes_as_it_came(browser: Browser, stage: Stage) -> None:
    page = opened(browser, stage, "one.app.localhost", cookie=False)
    bearer = {"Authorization": f"Bearer {stage.token}"}
    for path in ("/[a]|b", "/a;b=c,d!$&'()*+@:~", "/a?q=[1]|{2}^`'(3)\\", "/%7Ba%7D?a=%5B"):
        sent = page.evaluate(
            "url => { const u = new URL(url); return u.pathname + u.search; }", "http://h" + path
        )
        assert page.evaluate(FETCH, [f"{stage.url}/api{path}", bearer]) == [200, None, sent]


def test_a_page_gets_events_with_a_token_in_a_cookie(browser: Browser, stage: Stage) -> None:
    page = opened(browser, stage, "one.app.localhost", cookie=True)
    assert page.evaluate(EVENT, f"{stage.url}/api/events") == "hello"
    seen = stage.api.requests[-1]
    assert (seen.header("Cookie"), seen.header("X-Client-Id")) == (None, "demo")
    assert page.evaluate(FETCH, [f"{stage.url}/api/a", {}]) == [200, None, "/a"]


def test_a_page_opens_a_websocket_with_its_token(browser: Browser, stage: Stage) -> None:
    page = opened(browser, stage, "one.app.localhost", cookie=False)
    socket = f"{stage.url}/api/socket".replace("http", "ws", 1)
    assert page.evaluate(SOCKET, [socket, ["bearer", stage.token]]) == ["bearer", "hello", 4001]
    assert stage.api.requests[-1].header("Sec-WebSocket-Protocol") is None
    assert page.evaluate(SOCKET, [socket, ["bearer", "made-up"]])[1:] == [None, 1006]


def test_a_page_opens_a_websocket_with_its_cookie(browser: Browser, stage: Stage) -> None:
    page = opened(browser, stage, "one.app.localhost", cookie=True)
    socket = f"{stage.url}/api/socket".replace("http", "ws", 1)
    assert page.evaluate(SOCKET, [socket, []]) == ["", "hello", 4001]


@pytest.mark.parametrize("host", ["app.localhost", "a.one.app.localhost", "evilapp.localhost", "127.0.0.1"])
def test_a_page_that_is_not_listed_gets_nothing_by_its_cookie(
    browser: Browser, stage: Stage, host: str
) -> None:
    page = opened(browser, stage, host, cookie=True)
    before = len(stage.api.requests)
    socket = f"{stage.url}/api/socket".replace("http", "ws", 1)
    assert page.evaluate(EVENT, f"{stage.url}/api/events") == "refused"
    assert page.evaluate(SOCKET, [socket, []])[1:] == [None, 1006]
    assert len(stage.api.requests) == before


def test_an_inspector_in_a_page_speaks_mcp(browser: Browser, stage: Stage) -> None:
    page, url = opened(browser, stage, "one.app.localhost", cookie=False), f"{stage.url}/mcp"

    def said(token: str, method: str, tool: str, **headers: str) -> Any:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": tool}}
        headers = {"Mcp-Method": method, "Mcp-Name": tool, **headers}
        return page.evaluate(MCP, [url, token, headers, message])

    status, _, challenge = said("made-up", "tools/list", "")
    assert (status, challenge.partition(",")[0]) == (401, 'Bearer realm="gatepost"')
    metadata = f"{stage.url}/.well-known/oauth-protected-resource/mcp"
    read = page.evaluate("async url => (await (await fetch(url)).json()).scopes_supported", metadata)
    assert read == ["admin"], "the page can follow the challenge"
    further = {"Mcp-Session-Id": "s1", "Last-Event-ID": "3", "Mcp-Param-Region": "eu"}
    assert said(stage.token, "tools/call", "get_order", **further) == [200, "s1", None]
    status, _, challenge = said(stage.token, "tools/call", "delete_order")
    assert (status, 'scope="admin"' in challenge) == (403, True)
