"""Another way in: a client of gateway.yaml shows an API key in place of an access token."""

from pydantic import Field

from gateway.plugin import (
    BAD_REQUEST,
    INVALID_TOKEN,
    MISSING_TOKEN,
    Exchange,
    Fault,
    FreeHeaderName,
    Headers,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    TokenFacts,
)

NEVER = 2**62
"""Seconds since the epoch: an API key has no end of its own."""


class ApiKeyConfig(PluginConfig):
    """Options of `api_key`."""

    header: FreeHeaderName = Field(default="X-Api-Key", description="The header that the key comes in.")
    token: bool = Field(
        default=True, description="Whether who shows no key may show an access token. false: the key alone."
    )


class ApiKey(ProxyPlugin):
    """Finds out who calls. The route's scopes and audience are held against the client's own."""

    Config = ApiKeyConfig
    by_head = ("on_forward",)

    def __init__(self, config: ApiKeyConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._name = config.header.lower().encode()

    def on_request(self, exchange: Exchange) -> None:
        """Says who calls, before a token would be looked for."""
        if not exchange.route.protected:
            return
        keys = exchange.request.values(self._name)
        if not keys:
            if not self.config.token:
                raise Fault(MISSING_TOKEN, "This route needs an API key.", headers=_challenge())
            return
        if len(keys) > 1 or _has_token(exchange):
            raise Fault(BAD_REQUEST, "The request has more than one way of authentication.")
        client = self.context.clients.by_api_key(keys[0])
        if client is None:
            raise Fault(INVALID_TOKEN, "The API key is not valid.", headers=_challenge())
        exchange.caller = TokenFacts(
            client=client.id,
            scopes=client.scopes,
            audience=client.audiences,
            subject=client.id,
            issued=0,
            expires=NEVER,
            grant="api_key",
        )

    def on_forward(self, exchange: Exchange) -> None:
        """The key stays at the gateway."""
        if exchange.forward is not None:
            exchange.forward.remove(self.config.header)


def _has_token(exchange: Exchange) -> bool:
    values = exchange.request.values(b"authorization")
    return any(value.partition(b" ")[0].lower() in (b"bearer", b"dpop") for value in values)


def _challenge() -> Headers:
    # RFC 9110 section 15.5.2: a 401 must have a challenge.
    return [(b"WWW-Authenticate", b'ApiKey realm="gatepost"')]
