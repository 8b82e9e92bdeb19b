"""Adds, sets and removes headers on the way there and back."""

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
    """What is done with the request on its way upstream, in the order of these keys."""

    remove: tuple[FreeHeaderName, ...] = Field(default=(), description="Headers that do not go upstream.")
    set: dict[FreeHeaderName, HeaderValue] = Field(
        default={}, description="Headers that go upstream with this value, in place of the caller's."
    )
    add: dict[FreeHeaderName, HeaderValue] = Field(
        default={}, description="Headers that go upstream beside those that are there."
    )


class ResponseHeaders(PluginConfig):
    """What is done with the answer on its way to the caller, in the order of these keys."""

    remove: tuple[HeaderName, ...] = Field(default=(), description="Headers that the caller does not get.")
    set: dict[HeaderName, HeaderValue] = Field(
        default={}, description="Headers that the caller gets with this value, in place of the upstream's."
    )
    add: dict[HeaderName, HeaderValue] = Field(
        default={}, description="Headers that the caller gets beside those that are there."
    )


class HeadersConfig(PluginConfig):
    """Options of `headers`."""

    request: RequestHeaders = Field(default=RequestHeaders(), description="On the way upstream.")
    response: ResponseHeaders = Field(
        default=ResponseHeaders(), description="On the way back. The gateway's own answers stay as they are."
    )

    @model_validator(mode="after")
    def _says_something(self) -> "HeadersConfig":
        if self == HeadersConfig.model_construct():
            raise ValueError("needs request, response or both")
        return self


class _Changes:
    def __init__(self, rules: RequestHeaders | ResponseHeaders) -> None:
        self._gone = frozenset(name.lower().encode() for name in (*rules.remove, *rules.set))
        self._more = [(n.encode(), v.encode()) for n, v in (*rules.set.items(), *rules.add.items())]

    @property
    def takes(self) -> bool:
        """Whether headers go that are there."""
        return bool(self._gone)

    @property
    def none(self) -> bool:
        """Whether everything stays as it is."""
        return not self._gone and not self._more

    def applied(self, headers: Headers) -> Headers:
        kept = headers
        if self._gone:
            kept = [item for item in headers if item[0].lower() not in self._gone]
        return kept + self._more if self._more else kept


class HeaderRules(ProxyPlugin):
    """Changes headers. Those of identity and framing are refused when the configuration is loaded."""

    Config = HeadersConfig

    def __init__(self, config: HeadersConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._request = _Changes(config.request)
        self._response = _Changes(config.response)
        # What takes headers out of answers takes out those of other plugins, too.
        self.by_head = ("on_forward",) if self._response.takes else ("on_forward", "on_response")
        self.idle = tuple(
            hook
            for hook, changes in (("on_forward", self._request), ("on_response", self._response))
            if changes.none
        )

    def on_forward(self, exchange: Exchange) -> None:
        """Changes what goes upstream."""
        if exchange.forward is not None:
            exchange.forward.headers = self._request.applied(exchange.forward.headers)

    def on_response(self, exchange: Exchange) -> None:
        """Changes what came back."""
        if exchange.response is not None:
            exchange.response.headers = self._response.applied(exchange.response.headers)
