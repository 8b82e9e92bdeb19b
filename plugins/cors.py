"""Lets pages of other origins call a route (CORS, Fetch standard section 3.2)."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gateway.plugin import Answer, Exchange, Headers, PluginConfig, PluginContext, ProxyPlugin, Timeout

# RFC 6454 section 7: scheme, host and port, as browsers write them: in lower case, nothing behind.
_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9._~-]+(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://\[[0-9a-f:.]+\](:[0-9]{1,5})?"
)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_OURS = frozenset(
    {
        b"access-control-allow-origin",
        b"access-control-allow-credentials",
        b"access-control-expose-headers",
        b"access-control-allow-methods",
        b"access-control-allow-headers",
        b"access-control-max-age",
    }
)


def check_origin(value: str) -> str:
    """An origin as a browser sends it, or `*`."""
    if value != "*" and not _ORIGIN.fullmatch(value):
        raise ValueError(
            "must be * or an origin such as https://app.example.org: lower case, nothing behind the port"
        )
    return value


def check_token(value: str) -> str:
    """A method's or a header's name."""
    if not _TOKEN.fullmatch(value):
        raise ValueError("must be a name without spaces")
    return value


Origin = Annotated[str, AfterValidator(check_origin)]
Name = Annotated[str, AfterValidator(check_token)]


class CorsConfig(PluginConfig):
    """Options of `cors`."""

    origins: tuple[Origin, ...] = Field(
        min_length=1, description='The origins whose pages may call, exactly as browsers send them, or ["*"].'
    )
    methods: tuple[Name, ...] = Field(
        default=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        description="The methods that pages may use.",
    )
    headers: tuple[Name, ...] = Field(
        default=("Authorization", "Content-Type"), description="The request headers that pages may set."
    )
    expose: tuple[Name, ...] = Field(
        default=(),
        description="The headers of answers that pages may read, beside the few that they always may.",
    )
    credentials: bool = Field(
        default=False, description="Whether browsers send cookies along. Not together with the origin *."
    )
    max_age: Timeout = Field(
        default=600, description="How long browsers may remember what a preflight said. A duration."
    )

    @model_validator(mode="after")
    def _no_credentials_for_all(self) -> "CorsConfig":
        if "*" in self.origins and len(self.origins) > 1:
            raise ValueError("origins has * beside others, which then mean nothing")
        if "*" in self.origins and self.credentials:
            raise ValueError("credentials can't be allowed to every origin: list the origins")
        return self


class Cors(ProxyPlugin):
    """Answers preflights itself, before a token is asked for, and tells browsers who may read answers.

    An origin is never reflected: it is in the list, or it gets nothing.
    """

    Config = CorsConfig
    by_head = ("on_response",)

    def __init__(self, config: CorsConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._any = config.origins == ("*",)
        self._origins = frozenset(origin.encode() for origin in config.origins)
        self._methods = ", ".join(config.methods).encode()
        self._headers = ", ".join(config.headers).encode()
        self._expose = ", ".join(config.expose).encode()
        self._age = b"%d" % config.max_age
        self._told = {origin: self._tell(origin) for origin in self._origins}
        """What each origin is told, worked out once; not to be changed."""
        self._others = self._tell(None)

    def on_preflight(self, exchange: Exchange) -> Answer:
        """What pages of the asking origin may do."""
        headers = list(self._for(exchange))
        vary = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        if len(headers) > (0 if self._any else 1):
            headers += [
                (b"Access-Control-Allow-Methods", self._methods),
                (b"Access-Control-Allow-Headers", self._headers),
                (b"Access-Control-Max-Age", self._age),
            ]
        return Answer(204, headers=[(b"Vary", vary), *(item for item in headers if item[0] != b"Vary")])

    def on_request(self, exchange: Exchange) -> None:
        """Noted early, so that pages can read refusals, too."""
        exchange.answer_headers += self._for(exchange)

    def on_response(self, exchange: Exchange) -> None:
        """What the upstream says of CORS gives way: two answers to one question are none to a browser."""
        response = exchange.response
        if response is not None:
            response.headers = [item for item in response.headers if item[0].lower() not in _OURS]

    def _for(self, exchange: Exchange) -> Headers:
        """What the origin of this request is told."""
        origins = exchange.request.values(b"origin")
        return self._told.get(origins[0], self._others) if len(origins) == 1 else self._others

    def _tell(self, origin: bytes | None) -> Headers:
        """What an origin is told. The answer depends on it, so caches must know (Vary)."""
        if self._any:
            headers: Headers = [(b"Access-Control-Allow-Origin", b"*")]
        else:
            headers = [(b"Vary", b"Origin")]
            if origin is None:
                return headers
            headers.append((b"Access-Control-Allow-Origin", origin))
            if self.config.credentials:
                headers.append((b"Access-Control-Allow-Credentials", b"true"))
        if self._expose:
            headers.append((b"Access-Control-Expose-Headers", self._expose))
        return headers
