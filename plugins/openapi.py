"""Validates requests, and responses if asked, against an OpenAPI document."""

import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import islice
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from gateway.plugin import (
    BAD_REQUEST,
    UPSTREAM_BROKEN,
    BodyFilter,
    BodyKind,
    Exchange,
    FilePath,
    Headers,
    MessageBody,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    ResponseHead,
    Size,
    asked_upgrade,
    header_values,
)
from plugins.openapi_document import read_document
from plugins.openapi_messages import (
    MOST,
    ReceivedRequest,
    ReceivedResponse,
    Violation,
    documented_path,
    violations,
)

log = logging.getLogger("gatepost")

Action = Literal["refuse", "log", "ignore"]
NEEDED = "needs the extra openapi: pip install gatepost[openapi]"
NAMED = 3
"""Violations that a problem's detail names."""
EVENTS = b"text/event-stream"


class OpenapiConfig(PluginConfig):
    """Options of `openapi`."""

    document: FilePath = Field(description="The OpenAPI document, version 3.0 or 3.1, as YAML or JSON.")
    prefix: str | None = Field(
        default=None,
        description="What stands before the document's paths in the requests' paths; null: what strip_prefix "
        "takes away.",
    )
    requests: Action = Field(default="refuse", description="What is done about requests that violate it.")
    responses: Action = Field(default="ignore", description="What is done about responses that violate it.")
    max: Size = Field(
        default=1024**2,
        description="The largest body that is validated: a larger request is 413, a larger "
        "response 502 where responses are refused.",
    )
    _read: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def read(self) -> dict[str, Any]:
        """The document as it was read when the configuration was loaded."""
        return self._read

    @field_validator("prefix")
    @classmethod
    def _a_path(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("/"):
            raise ValueError("must be a path such as /api/v1")
        return value

    @field_validator("document")
    @classmethod
    def _installed(cls, value: FilePath) -> FilePath:
        try:
            import_module("openapi_spec_validator")
        except ImportError:
            raise ValueError(NEEDED) from None
        read_document(value)
        return value

    @model_validator(mode="after")
    def _keep(self) -> "OpenapiConfig":
        self._read = read_document(self.document, known=True)
        return self


class ResponseCheck:
    """Collects a response's body on its way, and validates it when it is complete."""

    changes = False

    def __init__(self, limit: int, check: Callable[[bytes], None]) -> None:
        self._limit = limit
        self._check = check
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Hands the piece on."""
        self._size += len(data)
        if self._size <= self._limit:
            self._pieces.append(data)
        else:
            self._pieces.clear()
        return data

    def finish(self) -> bytes:
        """Validates what was not too large for that."""
        if self._size <= self._limit:
            self._check(b"".join(self._pieces))
        return b""


class Openapi(ProxyPlugin):
    """Compares messages with the document; what is done about violations is configured for each kind."""

    Config = OpenapiConfig
    config: OpenapiConfig

    def __init__(self, config: OpenapiConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        core = import_module("openapi_core")
        # It was validated when it was read.
        self._api = core.OpenAPI.from_dict(config.read, config=core.Config(spec_validator_cls=None))
        kinds: dict[BodyKind, Action] = {"request": config.requests, "response": config.responses}
        self.body_limits = {
            kind: config.max
            for kind, action in kinds.items()
            if action == "refuse" or (kind == "request" and action == "log")
        }
        self.idle = {
            hook
            for hook, used in {
                "on_authorized": config.requests != "ignore",
                "on_body": bool(self.body_limits),
                "on_forward": config.responses != "ignore",
                "on_stream": config.responses == "log",
            }.items()
            if not used
        }
        self._prefix = None if config.prefix is None else _segments(config.prefix)

    # Requests.

    def on_authorized(self, exchange: Exchange) -> None:
        """Upgrades have no body that could be waited for: they are validated by their head."""
        if asked_upgrade(exchange.request) is not None:
            self._request_violates(exchange, self._of_request(exchange, b""))

    def wants_body(self, exchange: Exchange, kind: BodyKind) -> bool:
        """All but event streams. Where violations are only logged, no request is refused for its size."""
        if kind == "request":
            request = exchange.request
            length = request.value(b"content-length") or b"0"
            small = not request.values(b"transfer-encoding") and int(length) <= self.config.max
            return self.config.requests == "refuse" or small
        return exchange.response is not None and not _is_event_stream(exchange.response)

    def on_body(self, exchange: Exchange, body: MessageBody) -> None:
        """Refuses what violates the document."""
        if body.kind == "request":
            self._request_violates(exchange, self._of_request(exchange, body.content))
        elif exchange.response is not None:
            head = exchange.response
            found = self._of_response(exchange, head.status, head.headers, body.content)
            if found:
                raise Problem(UPSTREAM_BROKEN, reason=f"the response violates the document: {_named(found)}")

    def _request_violates(self, exchange: Exchange, found: list[Violation]) -> None:
        if not found:
            return
        if self.config.requests == "refuse":
            detail = f"The request is not as documented: {_named(found)}."
            raise Problem(BAD_REQUEST, detail, members={"errors": [one.document() for one in found]})
        log.warning("%s: a request violates the document: %s", exchange.route.path, _named(found))

    def _of_request(self, exchange: Exchange, body: bytes) -> list[Violation]:
        if _is_coded(exchange.request.headers):
            return [Violation("body", "", "can't be validated with a Content-Encoding")]
        request = self._received(exchange, body)
        if request is None:
            return [Violation("path", "", "is not documented")]
        return _found(self._api.request_validator.iter_errors, request)

    # Responses.

    def on_forward(self, exchange: Exchange) -> None:
        """What is to be validated must come whole, and not compressed."""
        if exchange.forward is not None:
            for name in ("Accept-Encoding", "Range", "If-Range"):
                exchange.forward.remove(name)

    def on_stream(self, exchange: Exchange, length: int | None) -> BodyFilter | None:
        """Where violations are only logged, nothing is held back."""
        head = exchange.response
        if head is None or _is_event_stream(head) or exchange.request.method == "HEAD":
            return None
        return ResponseCheck(self.config.max, partial(self._log, exchange, head.status, list(head.headers)))

    def _log(self, exchange: Exchange, status: int, headers: Headers, body: bytes) -> None:
        found = self._of_response(exchange, status, headers, body)
        if found:
            log.warning("%s: a response violates the document: %s", exchange.route.path, _named(found))

    def _of_response(self, exchange: Exchange, status: int, headers: Headers, body: bytes) -> list[Violation]:
        if _is_coded(headers):
            return [Violation("body", "", "can't be validated with a Content-Encoding")]
        request = self._received(exchange, b"")
        if request is None:
            return []
        return _found(
            self._api.response_validator.iter_errors, request, ReceivedResponse(status, headers, body)
        )

    def _received(self, exchange: Exchange, body: bytes) -> ReceivedRequest | None:
        """The request as the document has it; None: its path is not under the prefix."""
        segments, strip = list(exchange.request.segments), exchange.route.strip
        if self._prefix is not None:
            strip = len(self._prefix)
            if segments[:strip] != self._prefix:
                return None
        path, method = documented_path(segments[strip:]), exchange.request.method.lower()
        if method == "head" and not self._has(path, method, exchange):
            # RFC 9110 section 9.3.2: HEAD is GET without the content.
            method = "get"
        return ReceivedRequest(exchange, path, method, body)

    def _has(self, path: str, method: str, exchange: Exchange) -> bool:
        errors = self._api.request_validator.iter_errors(ReceivedRequest(exchange, path, method, b""))
        return type(next(iter(errors), None)).__name__ != "OperationNotFound"

    def summary(self) -> str:
        """The document, for `gatepost explain`."""
        return f"Openapi ({self.config.document})"


def _found(validate: Callable[..., Any], *messages: object) -> list[Violation]:
    try:
        return violations(islice(validate(*messages), MOST))
    except Exception:
        log.debug("a message can't be validated", exc_info=True)
        return [Violation("body", "", "can't be validated")]


def _named(found: list[Violation]) -> str:
    return "; ".join(map(str, found[:NAMED]))


def _segments(prefix: str) -> list[str]:
    return [segment for segment in prefix.split("/") if segment]


def _is_coded(headers: Any) -> bool:
    codings = header_values(headers, b"content-encoding")
    return any(coding.strip().lower() != b"identity" for coding in codings)


def _is_event_stream(head: ResponseHead) -> bool:
    types = header_values(head.headers, b"content-type")
    return bool(types) and types[0].partition(b";")[0].strip().lower() == EVENTS
