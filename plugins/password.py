"""The password grant (RFC 6749 section 4.3): the client sends the user's name and password.

Off by default. OAuth 2.1 omits it, as it exposes the password to the client.
"""

from collections.abc import Mapping

from gateway.plugin import Grant, GrantPlugin, GrantRequest, IssuedToken, OAuthError


class Password(GrantPlugin):
    """Issues tokens for a user; the upstream gets the user in X-Authenticated-UserId."""

    grant_type = "password"

    async def grant(self, request: GrantRequest) -> Grant:
        """Authenticates the user. Scopes are checked first: invalid requests cost no password hashing."""
        form = request.form
        name, password = form.require("username"), form.require("password")
        scopes, audience, lifetime = request.scopes(), request.audience(), request.lifetime()
        if self.context.users is None:
            raise OAuthError("invalid_grant", "The user name or the password is wrong.")
        user = await self.context.users.sign_in(name, password, request.address)
        return Grant(
            subject=user.name,
            scopes=scopes,
            audience=audience,
            lifetime=lifetime,
            # An access token with a refresh token is revoked with its family, so it must not be shared.
            reusable=form.get("validity_period") is None and not self._issues_refresh_token(request),
            user=user.name,
            user_id=user.id,
            user_generation=user.generation,
        )

    async def on_issued(self, request: GrantRequest, issued: IssuedToken) -> Mapping[str, str]:
        """RFC 6749 section 5.1: adds a refresh token if the client may use the grant."""
        users, tokens = self.context.users, self.context.refresh_tokens
        if users is not None and issued.grant.user_id is not None:
            await users.registered(request.client, issued.grant.user_id)
        if tokens is None or not self._issues_refresh_token(request):
            return {}
        return {"refresh_token": await tokens.begin(request.client, issued)}

    def _issues_refresh_token(self, request: GrantRequest) -> bool:
        tokens = self.context.refresh_tokens
        return tokens is not None and tokens.may_have(request.client)
