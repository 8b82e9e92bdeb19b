"""The refresh token grant (RFC 6749 section 6).

Refresh tokens are rotated at each use (RFC 9700 section 4.14.2).
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
    TokenInfo,
)


class RefreshTokenConfig(PluginConfig):
    """Options of `refresh_token`."""

    lifetime: Lifetime = Field(
        default=86_400, description="How long a refresh token is good; each new one begins anew. A duration."
    )


class RefreshToken(GrantPlugin):
    """Exchanges refresh tokens that other grants have issued."""

    Config = RefreshTokenConfig
    grant_type = "refresh_token"

    async def start(self) -> None:
        """Enables refresh tokens in the other grants."""
        if self.context.refresh_tokens is not None:
            self.context.refresh_tokens.switch_on(self.config.lifetime)

    async def grant(self, request: GrantRequest) -> Grant:
        """Grants the original scopes and resources or a subset of them."""
        token = request.form.require("refresh_token")
        tokens = self.context.refresh_tokens
        if tokens is None:
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        original = await tokens.find(request.client, token)
        if original.user is not None and original.user_id is None:
            # Without a user id it can't be checked whether the account still exists.
            raise OAuthError("invalid_grant", "The refresh token is not valid.")
        return Grant(
            subject=original.subject,
            scopes=narrowed(request, original),
            audience=request.narrowed_audience(original.audience),
            lifetime=request.lifetime(),
            user=original.user,
            user_id=original.user_id,
            user_generation=original.user_generation,
            extra=original.extra,
        )

    async def on_issued(self, request: GrantRequest, issued: IssuedToken) -> Mapping[str, str]:
        """Rotates the refresh token."""
        tokens = self.context.refresh_tokens
        if tokens is None:
            return {}
        token = request.form.require("refresh_token")
        return {"refresh_token": await tokens.rotate(request.client, token, issued)}


def narrowed(request: GrantRequest, original: TokenInfo) -> tuple[str, ...]:
    """RFC 6749 section 6: the scope must not include any scope not originally granted."""
    requested = request.form.get("scope") or " ".join(original.scopes)
    scopes = request.scope_rules.granted(requested, request.client.scopes)
    if not set(scopes).issubset(original.scopes):
        raise OAuthError("invalid_scope", "A scope was not granted before.")
    return scopes
