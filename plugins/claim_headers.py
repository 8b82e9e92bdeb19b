"""Sends claims of the client upstream as request headers."""

from pydantic import Field

from gateway.plugin import (
    Exchange,
    FreeHeaderName,
    PluginConfig,
    PluginContext,
    ProxyPlugin,
    claims_of,
    header_text,
    name_spelling,
)


class ClaimHeadersConfig(PluginConfig):
    """Options of `claim_headers`."""

    claims: dict[str, FreeHeaderName] = Field(
        min_length=1,
        description="Claims of clients (`clients[].claims`), and the header that each goes into.",
    )


class ClaimHeaders(ProxyPlugin):
    """The same headers from outside are removed, in every spelling, also where there is no claim."""

    Config = ClaimHeadersConfig
    foreseeable = True

    def __init__(self, config: ClaimHeadersConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        self._spellings = {name_spelling(name.lower().encode()) for name in config.claims.values()}

    def on_forward(self, exchange: Exchange) -> None:
        """Replaces the headers by those of the client's claims."""
        forward = exchange.forward
        if forward is None:
            return
        forward.headers = [
            item for item in forward.headers if name_spelling(item[0].lower()) not in self._spellings
        ]
        claims = {} if exchange.token is None else claims_of(exchange.token.extra)
        for claim, name in self.config.claims.items():
            if claim in claims:
                value = claims[claim]
                text = str(value).lower() if isinstance(value, bool) else str(value)
                forward.headers.append((name.encode(), header_text(text)))
