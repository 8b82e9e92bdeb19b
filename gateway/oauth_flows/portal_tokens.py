"""Tokens that a developer makes and ends in the portal, for his own keys."""

from __future__ import annotations

from gateway.accounts.usage import UsageCounter
from gateway.clock import Clock
from gateway.oauth.errors import OAuthError
from gateway.oauth.form import Form
from gateway.oauth.grants import GrantRequest
from gateway.oauth.model import Client
from gateway.oauth_flows.token import TokenServices, with_client_claims
from gateway.plugin import GrantPlugin
from gateway.tokens.token_issuer import TokenResponse
from gateway.tokens.token_lookup import TokenLookup
from gateway.translation.text import gettext_noop

GRANT = "client_credentials"


class PortalTokens:
    """Issues a token as the token endpoint would, to whoever owns the client."""

    def __init__(self, services: TokenServices, held: TokenLookup, clock: Clock, tally: UsageCounter) -> None:
        self._services = services
        self._held = held
        self._clock = clock
        self._tally = tally

    async def generate(self, client: Client, scopes: tuple[str, ...], validity: str) -> TokenResponse:
        """A token of the client's own. No scopes: the defaults; no validity: the client's own.

        Raises:
            OAuthError: what the token endpoint would say.
            StoreUnavailable: no token is given out.
        """
        plugin = self._plugin(client)
        single = {"scope": " ".join(scopes), "validity_period": validity}
        form = Form({name: value for name, value in single.items() if value})
        services = self._services
        request = GrantRequest(client, form, self._clock(), services.scope_rules, services.lifetime_rules)
        decision = plugin.grant(request)
        grant = decision if not hasattr(decision, "__await__") else await decision
        answer = await services.issuer.issue(client, GRANT, with_client_claims(client, grant))
        self._tally.token(client, issued=True)
        return answer

    async def revoke(self, client: Client, token: str) -> bool:
        """Ends a live token of the client; False where it is not one."""
        held = await self._held.find(token)
        if held is None or held.facts.client != client.id:
            return False
        await self._held.end(token)
        return True

    def _plugin(self, client: Client) -> GrantPlugin:
        plugin = self._services.grants.get(GRANT)
        if plugin is None:
            raise OAuthError(
                "unsupported_grant_type", gettext_noop("The client credentials grant is switched off here.")
            )
        if GRANT not in client.grants:
            raise OAuthError(
                "unauthorized_client",
                gettext_noop("The client credentials grant is not enabled for these keys."),
            )
        if not client.enabled:
            raise OAuthError("unauthorized_client", gettext_noop("These keys are disabled."))
        return plugin
