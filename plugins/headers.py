"""Adds, sets and removes request and response headers."""

from pydantic import Field, model_validator

from gateway.plugin import (
    Exchange,
    FreeHeaderName,
    HeaderName,
    Headers,
    HeaderValue,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
)


class RequestHeaders(PluginConfig):
    """Changes to the upstream request, applied in the order of these keys."""

    remove: tuple[FreeHeaderName, ...] = Field(default=(), description="Headers that are not sent upstream.")
    set: dict[FreeHeaderName, HeaderValue] = Field(
        default={}, description="Headers that are sent upstream with this value, replacing the client's."
    )
    add: dict[FreeHeaderName, HeaderValue] = Field(
        default={}, description="Headers that are sent upstream in addition."
    )


class ResponseHeaders(PluginConfig):
    """Changes to the response, applied in the order of these keys."""

    remove: tuple[HeaderName, ...] = Field(default=(), description="Headers that are not sent to the client.")
    set: dict[HeaderName, HeaderValue] = Field(
        default={},
        description="Headers that are sent to the client with this value, replacing the upstream's.",
    )
    add: dict[HeaderName, HeaderValue] = Field(
        default={}, description="Headers that are sent to the client in addition."
    )


class HeadersConfig(PluginConfig):
    """Options of `headers`."""

    request: RequestHeaders = Field(default=RequestHeaders(), description="Changes of the request.")
    response: ResponseHeaders = Field(
        default=ResponseHeaders(),
        description="Changes of the response. The gateway's own answers are not changed.",
    )

    @model_validator(mode="after")
    def _not_empty(self) -> "HeadersConfig":
        if self == HeadersConfig.model_construct():
            raise ValueError("needs request, response or both")
        return self


class _Changes:
    def __init__(self, rules: RequestHeaders | ResponseHeaders) -> None:
        self._removed = frozenset(name.lower().encode() for name in (*rules.remove, *rules.set))
        self._added = [(n.encode(), v.encode()) for n, v in (*rules.set.items(), *rules.add.items())]

    @property
    def removes(self) -> bool:
        """Whether existing headers are removed or replaced."""
        return bool(self._removed)

    @property
    def none(self) -> bool:
        """Whether there are no changes."""
        return not self._removed and not self._added

    def applied(self, headers: Headers) -> Headers:
        kept = headers
        if self._removed:
            kept = [item for item in headers if item[0].lower() not in self._removed]
        return kept + self._added if self._added else kept


class HeaderRules(ProxyPlugin):
    """Changes headers. Identity and framing headers are rejected when the configuration is loaded."""

    Config = HeadersConfig

    def __init__(self, config: HeadersConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._request = _Changes(config.request)
        self._response = _Changes(config.response)
        # Removing response headers also affects those that other plugins add.
        self.head_only = ("on_forward",) if self._response.removes else ("on_forward", "on_response")
        self.idle = tuple(
            hook
            for hook, changes in (("on_forward", self._request), ("on_response", self._response))
            if changes.none
        )

    def on_forward(self, exchange: Exchange) -> None:
        """Changes the upstream request."""
        if exchange.forward is not None:
            exchange.forward.headers = self._request.applied(exchange.forward.headers)

    def on_response(self, exchange: Exchange) -> None:
        """Changes the response."""
        if exchange.response is not None:
            exchange.response.headers = self._response.applied(exchange.response.headers)
