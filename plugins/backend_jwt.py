"""Tells the upstream who calls by a signed JWT, as WSO2 API Manager does in `X-JWT-Assertion`."""

from collections.abc import Awaitable

from pydantic import Field

from gateway.plugin import (
    AssertionRules,
    CallerAssertions,
    Exchange,
    ForwardHead,
    FreeHeaderName,
    Lifetime,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    TokenInfo,
    name_spelling,
)


class BackendJwtConfig(PluginConfig):
    """Options of `backend_jwt`."""

    header: FreeHeaderName = Field(default="X-JWT-Assertion", description="The request header with the JWT.")
    dialect: str = Field(
        default="http://wso2.org/claims/",
        max_length=200,
        description="What stands before the names of the claims; empty: nothing.",
    )
    lifetime: Lifetime = Field(default=60, ge=10, le=3600, description="Its life. A duration, 10s to 1h.")
    audience: str | None = Field(
        default=None, min_length=1, max_length=200, description="Its aud. null: it has none."
    )


class BackendJwt(ProxyPlugin):
    """The same header from outside is removed, in every spelling, also on open routes."""

    Config = BackendJwtConfig

    def __init__(self, config: BackendJwtConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._name = config.header.encode()
        self._spelling = name_spelling(config.header.lower().encode())

    def on_forward(self, exchange: Exchange) -> Awaitable[None] | None:
        """Replaces the header."""
        forward, token, assertions = exchange.forward, exchange.token, self.context.assertions
        if forward is None:
            return None
        forward.headers = [
            item for item in forward.headers if name_spelling(item[0].lower()) != self._spelling
        ]
        if token is None or assertions is None:
            return None
        rules = self._rules(exchange.route.path)
        known = assertions.known(token, rules)
        if known is None:
            return self._add_new(forward, assertions, token, rules)
        forward.headers.append((self._name, known.encode()))
        return None

    def _rules(self, path: str) -> AssertionRules:
        config = self.config
        return AssertionRules(path, config.dialect, config.lifetime, config.audience)

    async def _add_new(
        self, forward: ForwardHead, assertions: CallerAssertions, token: TokenInfo, rules: AssertionRules
    ) -> None:
        forward.headers.append((self._name, (await assertions.made(token, rules)).encode()))
