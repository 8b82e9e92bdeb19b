"""The refresh token grant (RFC 6749 section 6): a new access token without asking the user again.

Each use gives a new refresh token in place of the old one (RFC 9700 section 4.14.2).
"""

from collections.abc import Mapping

from pydantic import Field

from gateway.plugin import (
    Grant,
    GrantPlugin,
    GrantRequest,
    IssuedToken,
    Lifetime,
    OAuthError,
    PluginConfig,
    TokenFacts,
)


class RefreshTokenConfig(PluginConfig):
    """Options of `refresh_token`."""

    lifetime: Lifetime = Field(
        default=86_400, description="How long a refresh token is good; each new one begins anew. A duration."
    )


class RefreshToken(GrantPlugin):
    """Other grants ask for refresh tokens; this one takes them."""

    Config = RefreshTokenConfig
    grant_type = "refresh_token"

    async def start(self) -> None:
        """From now on, other grants give them out."""
        if self.context.refresh_tokens is not None:
            self.context.refresh_tokens.switch_on(self.config.lifetime)

    async def grant(self, request: GrantRequest) -> Grant:
        """The same as before, or less: scopes and resources can be left out, none can be added."""
        token = request.form.require("refresh_token")
        tokens, users = self.context.refresh_tokens, self.context.users
        if tokens is None:
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        before = await tokens.find(request.client, token)
        if before.user is not None and (users is None or not await users.is_there(before.user)):
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        return Grant(
            subject=before.subject,
            scopes=narrowed(request, before),
            audience=request.narrowed_audience(before.audience),
            lifetime=request.lifetime(),
            user=before.user,
            extra=before.extra,
        )

    async def on_issued(self, request: GrantRequest, issued: IssuedToken) -> Mapping[str, str]:
        """The next refresh token: the one that was shown is used up."""
        tokens = self.context.refresh_tokens
        if tokens is None:
            return {}
        token = request.form.require("refresh_token")
        return {"refresh_token": await tokens.rotate(request.client, token, issued)}


def narrowed(request: GrantRequest, before: TokenFacts) -> tuple[str, ...]:
    """RFC 6749 section 6: the scope must not include any that was not granted before."""
    wanted = request.form.get("scope") or " ".join(before.scopes)
    scopes = request.scope_rules.granted(wanted, request.client.scopes)
    if not set(scopes).issubset(before.scopes):
        raise OAuthError("invalid_scope", "A scope was not granted before.")
    return scopes
