"""API keys: clients authenticate with a key instead of an access token."""

from collections.abc import Awaitable

from pydantic import Field

from gateway.plugin import (
    BAD_REQUEST,
    FORBIDDEN,
    INVALID_TOKEN,
    MISSING_TOKEN,
    ApiKeys,
    Client,
    Exchange,
    FreeHeaderName,
    Headers,
    HeldKey,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    TokenInfo,
    is_inside,
)

NEVER = 2**62
"""Seconds since the epoch. API keys of gateway.yaml don't expire."""


class ApiKeyConfig(PluginConfig):
    """Options of `api_key`."""

    header: FreeHeaderName = Field(default="X-Api-Key", description="The request header with the key.")
    token: bool = Field(
        default=True,
        description="true: a client without a key may send an access token. false: only keys are accepted.",
    )


class ApiKey(ProxyPlugin):
    """Authenticates by API key. The route's scopes and audience are checked against those of the client."""

    Config = ApiKeyConfig
    head_only = ("on_forward",)

    def __init__(self, config: ApiKeyConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._name = config.header.lower().encode()

    def on_request(self, exchange: Exchange) -> Awaitable[None] | None:
        """Authenticates the request before the access token would be validated."""
        if not exchange.route.protected:
            return None
        keys = exchange.request.values(self._name)
        if not keys:
            if not self.config.token:
                raise Problem(MISSING_TOKEN, "This route needs an API key.", headers=_challenge())
            return None
        if len(keys) > 1 or _has_token(exchange):
            raise Problem(BAD_REQUEST, "The request has more than one way of authentication.")
        client = self.context.clients.by_api_key(keys[0])
        if client is not None:
            exchange.token = _facts(client, NEVER)
            return None
        return self._by_stored_key(exchange, keys[0])

    def _by_stored_key(self, exchange: Exchange, key: bytes) -> Awaitable[None] | None:
        stored = self.context.api_keys
        if stored is None:
            raise _invalid()
        held = stored.known(key)
        if held is None:
            return self._looked_up(exchange, stored, key)
        _admit(exchange, stored, held)
        return None

    async def _looked_up(self, exchange: Exchange, stored: ApiKeys, key: bytes) -> None:
        held = await stored.find(key)
        if held is None:
            raise _invalid()
        _admit(exchange, stored, held)

    def on_forward(self, exchange: Exchange) -> None:
        """Removes the key from the upstream request."""
        if exchange.forward is not None:
            exchange.forward.remove(self.config.header)


def _facts(client: Client, expires: int) -> TokenInfo:
    return TokenInfo(
        client=client.id,
        scopes=client.scopes,
        audience=client.audiences,
        subject=client.id,
        issued=0,
        expires=expires,
        grant="api_key",
        source=client.source,
        tier=client.tier if client.source == "store" else None,
    )


def _admit(exchange: Exchange, stored: ApiKeys, held: HeldKey) -> None:
    address = exchange.request.peer.address
    if not is_inside(held.client.networks, address):
        raise Problem(FORBIDDEN, "The client may not call from this address.")
    exchange.token = _facts(held.client, held.key.expires or NEVER)
    stored.used(held, address, exchange.request.headers)


def _invalid() -> Problem:
    return Problem(INVALID_TOKEN, "The API key is not valid.", headers=_challenge())


def _has_token(exchange: Exchange) -> bool:
    values = exchange.request.values(b"authorization")
    return any(value.partition(b" ")[0].lower() in (b"bearer", b"dpop") for value in values)


def _challenge() -> Headers:
    # RFC 9110 section 15.5.2: a 401 must have a challenge.
    return [(b"WWW-Authenticate", b'ApiKey realm="gatepost"')]
