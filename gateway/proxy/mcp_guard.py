"""Judges the messages of an MCP route: what each needs, against what the token has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any

from gateway.http.event_stream import EventStream
from gateway.http.exchange import Exchange, Header, Headers, header_values
from gateway.http.problems import FORBIDDEN, INSUFFICIENT_SCOPE, UPSTREAM_BROKEN, Problem
from gateway.http.route import Route
from gateway.http.upgrade import asked_upgrade
from gateway.mcp.headers import (
    METHOD_HEADER,
    NAME_HEADER,
    VERSION_HEADER,
    check_headers,
    protocol_version,
    requires_headers,
)
from gateway.mcp.messages import PARSE_ERROR, MessageRefused, RpcBody, RpcMessage, read_messages
from gateway.mcp.rules import ToolRules, asked_scopes
from gateway.mcp.tool_lists import UnreadableToolList, filtered_list
from gateway.oauth.bearer import REALM, AuthError, challenge
from gateway.plugin import (
    BodyKind,
    LimitPart,
    MessageBody,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    Rate,
    Subject,
    admit,
    rate_parts,
)
from gateway.proxy.challenges import AuthProblem, scheme_of
from gateway.proxy.json_rpc_problem import JsonRpcProblem

MAX_TOOL_LIST = 16 * 1024**2
"""Bytes of an answer to `tools/list`, and of an event in a stream."""
_LARGE = 64 * 1024
"""Bytes from which on JSON is read in a thread."""
NOTE = "mcp"
"""Under this name an exchange's `state` holds the `RpcBody` of a request that could be read."""
OTHER_TOOL = "other"
"""Stands for tools that the configuration does not name: their number is not bounded."""

_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_BODY_HEADERS = (b"content-length", b"transfer-encoding")
_JSON = b"application/json"
_EVENTS = b"text/event-stream"
_CHARSET = re.compile(rb"charset[ \t]*=[ \t]*[\"']?([^\"';, \t]*)", re.IGNORECASE)


class McpGuard(ProxyPlugin):
    """The last hook of a route with `mcp`: what it has judged is what goes upstream."""

    foreseeable = True

    def __init__(
        self, rules: ToolRules, limits: Mapping[str, Rate], max_body: int, context: PluginContext
    ) -> None:
        """`limits`: by the tool's name, per client. `max_body`: bytes of a request's body."""
        super().__init__(PluginConfig(), context)
        self.rules = rules
        self.body_limits = {"request": max_body, "response": MAX_TOOL_LIST}
        self._limits = {name: self._parts(name, rate) for name, rate in limits.items()}
        self._subject = Subject("client")

    async def start(self) -> None:
        """From now on limits are settled with the store."""
        if self._limits:
            await self.context.limits.start()

    async def stop(self) -> None:
        """Leases go back to the store."""
        if self._limits:
            await self.context.limits.stop()

    def on_request(self, exchange: Exchange) -> None:
        """Lets web pages that the route's cors plugin has allowed read which session they are in."""
        added = exchange.added_response_headers
        if any(name == b"Access-Control-Allow-Origin" for name, _ in added):
            added.append((b"Access-Control-Expose-Headers", b"Mcp-Session-Id"))

    def on_authorized(self, exchange: Exchange) -> None:
        """Refuses WebSockets and the like: nobody would see the messages in them."""
        if asked_upgrade(exchange.request) is not None:
            raise Problem(FORBIDDEN, "This route does not switch protocols.")

    def wants_body(self, exchange: Exchange, kind: BodyKind) -> bool:
        """Every request's that can hold a message; of responses those that list the tools."""
        if kind == "request":
            request = exchange.request
            return request.method not in _WITHOUT_BODY or any(map(request.value, _BODY_HEADERS))
        return _lists_tools(exchange) and _media_type(exchange) != _EVENTS

    def on_body(self, exchange: Exchange, body: MessageBody) -> Awaitable[None] | None:
        """Judges the messages of a request; takes tools out of a list."""
        if body.kind == "response":
            self._uncoded(exchange)
            if len(body.content) > _LARGE:
                return asyncio.to_thread(self._shorten, exchange, body)
            self._shorten(exchange, body)
            return None
        if not body.content and exchange.request.method in _WITHOUT_BODY:
            return None
        if len(body.content) > _LARGE:
            return self._judge_large(exchange, body.content)
        return self._judge(exchange, self._read(exchange, body.content))

    def on_forward(self, exchange: Exchange) -> None:
        """Asks for answers that are whole and not compressed: tools may be taken out of them."""
        if exchange.forward is not None:
            for name in ("Range", "If-Range"):
                exchange.forward.remove(name)
            exchange.forward.set("Accept-Encoding", "identity")

    def on_stream(self, exchange: Exchange, length: int | None) -> EventStream | None:
        """Takes tools out of lists on any stream: answers to requests whose stream broke come on others."""
        if _media_type(exchange) != _EVENTS:
            return None
        self._uncoded(exchange)
        return EventStream(partial(self._filter, exchange, sure=True), MAX_TOOL_LIST)

    def summary(self) -> str:
        """The rules, for `gatepost explain`."""
        rules = {**self.rules.tools, "all else": self.rules.default}
        words = [f"{name}: {' '.join(sorted(scopes)) or 'no scope'}" for name, scopes in rules.items()]
        return f"Mcp ({', '.join(words)})"

    def label(self, tool: str) -> str:
        """The tool's name where the configuration has it; else `OTHER_TOOL`."""
        return tool if tool in self.rules.tools or tool in self._limits else OTHER_TOOL

    async def _judge_large(self, exchange: Exchange, content: bytes) -> None:
        """In a thread: JSON of many small parts takes long to read, and others must not wait for that."""
        waiting = self._judge(exchange, await asyncio.to_thread(self._read, exchange, content))
        if waiting is not None:
            await waiting

    def _judge(self, exchange: Exchange, messages: RpcBody) -> Awaitable[None] | None:
        exchange.state[NOTE] = messages
        self._authorize(exchange, messages)
        return self._count(exchange, messages)

    def _shorten(self, exchange: Exchange, body: MessageBody) -> None:
        """Takes tools out of a list."""
        is_json = _media_type(exchange) == _JSON
        body.content = self._filter(exchange, body.content, sure=is_json) or body.content

    def _read(self, exchange: Exchange, content: bytes) -> RpcBody:
        request = exchange.request
        versions = request.values(VERSION_HEADER.lower().encode())
        try:
            if any(map(_changes_bytes, request.values(b"content-encoding"))):
                raise MessageRefused(PARSE_ERROR, "The body must not be compressed.")
            if _other_charset(request.headers):
                raise MessageRefused(PARSE_ERROR, "The body must be UTF-8.")
            messages = read_messages(content)
            methods = request.values(METHOD_HEADER.lower().encode())
            check_headers(messages, methods, request.values(NAME_HEADER.lower().encode()), versions)
        except MessageRefused as refused:
            raise JsonRpcProblem(refused.code, f"{refused}", refused.id) from None
        return messages

    def _authorize(self, exchange: Exchange, messages: RpcBody) -> None:
        """Raises 403 where the token lacks a scope."""
        granted = () if exchange.token is None else exchange.token.scopes
        lacking = self.rules.first_lacking(messages, granted)
        if lacking is not None:
            raise self._step_up(exchange, messages, lacking, granted)

    def _step_up(
        self, exchange: Exchange, messages: RpcBody, lacking: RpcMessage, granted: tuple[str, ...]
    ) -> AuthProblem:
        route, request = exchange.route, exchange.request
        version = protocol_version(request.values(VERSION_HEADER.lower().encode()))
        needed = self.rules.needed_by_all(messages) | route.scopes
        asked = asked_scopes(
            needed, granted, self.rules.every_scope | route.scopes, keeps=requires_headers(version)
        )
        value = challenge(
            AuthError.SCOPE,
            realm=REALM,
            metadata=route.metadata_url,
            scope=" ".join(asked),
            scheme=scheme_of(request),
        )
        problem = AuthProblem(
            INSUFFICIENT_SCOPE, _lack(lacking), headers=[(b"WWW-Authenticate", value.encode())]
        )
        problem.refusal, problem.needed = AuthError.SCOPE, needed
        return problem

    def _count(self, exchange: Exchange, messages: RpcBody) -> Awaitable[None] | None:
        limited = [self._limits[tool] for tool in messages.tools if tool in self._limits]
        return self._admit_all(exchange, limited) if limited else None

    async def _admit_all(self, exchange: Exchange, limited: list[tuple[LimitPart, ...]]) -> None:
        subject = self._subject.of(exchange)
        for parts in limited:
            waiting = admit(self.context.limits, parts, subject, exchange)
            if waiting is not None:
                await waiting

    def _parts(self, tool: str, rate: Rate) -> tuple[LimitPart, ...]:
        return rate_parts(f"{self.context.place} tool {tool}", rate, "tool")

    def _filter(self, exchange: Exchange, data: bytes, *, sure: bool) -> bytes | None:
        """`sure`: the data is JSON, not an error page, say."""
        granted = () if exchange.token is None else exchange.token.scopes
        try:
            return filtered_list(data, lambda name: self.rules.may_call(name, granted))
        except UnreadableToolList as error:
            if not sure:
                return None
            raise Problem(UPSTREAM_BROKEN, reason=f"the list of tools is {error}") from None

    def _uncoded(self, exchange: Exchange) -> None:
        head = exchange.response
        if head is not None and any(map(_changes_bytes, header_values(head.headers, b"content-encoding"))):
            raise Problem(UPSTREAM_BROKEN, reason="the response is compressed, though it was not asked to be")


def guard_of(route: Route) -> McpGuard | None:
    """The route's guard; None: its upstream is no MCP server."""
    hooks: tuple[Any, ...] = route.pipeline.on_forward
    return next((hook.__self__ for hook in hooks if isinstance(hook.__self__, McpGuard)), None)


def called_tools(exchange: Exchange) -> list[str]:
    """The tools that a request calls, by their labels."""
    messages = exchange.state.get(NOTE)
    guard = guard_of(exchange.route) if isinstance(messages, RpcBody) else None
    return [] if guard is None or messages is None else [guard.label(tool) for tool in messages.tools]


def _lists_tools(exchange: Exchange) -> bool:
    messages = exchange.state.get(NOTE)
    return isinstance(messages, RpcBody) and messages.lists_tools


def _lack(message: RpcMessage) -> str:
    what = f"the tool {message.tool}" if message.tool is not None else f"the method {message.method}"
    return f"The access token lacks a scope that {what} needs."


def _media_type(exchange: Exchange) -> bytes:
    types = [] if exchange.response is None else header_values(exchange.response.headers, b"content-type")
    return types[0].partition(b";")[0].strip().lower() if types else b""


def _changes_bytes(coding: bytes) -> bool:
    return coding.strip().lower() not in (b"", b"identity")


def _other_charset(headers: Headers | tuple[Header, ...]) -> bool:
    """Whether Content-Type names an encoding other than UTF-8, by which a server may read other text."""
    charsets = [name for value in header_values(headers, b"content-type") for name in _CHARSET.findall(value)]
    return any(name.lower() not in (b"utf-8", b"utf8") for name in charsets)
