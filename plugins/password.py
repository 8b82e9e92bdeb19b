"""The password grant (RFC 6749 section 4.3): a client hands on the name and password of its user.

Off by default. OAuth 2.1 leaves it out: the client sees the password.
"""

from collections.abc import Mapping

from gateway.plugin import Grant, GrantPlugin, GrantRequest, IssuedToken, OAuthError


class Password(GrantPlugin):
    """The token is the user's: the upstream reads who it is in X-Authenticated-UserId."""

    grant_type = "password"

    async def grant(self, request: GrantRequest) -> Grant:
        """What the client may have is decided first: a wrong request does not cost a password's work."""
        form = request.form
        name, password = form.require("username"), form.require("password")
        scopes, audience, lifetime = request.scopes(), request.audience(), request.lifetime()
        if self.context.users is None:
            raise OAuthError("invalid_grant", "The user name or the password is wrong.")
        user = await self.context.users.sign_in(name, password, request.address)
        return Grant(
            subject=user,
            scopes=scopes,
            audience=audience,
            lifetime=lifetime,
            # An access token that ends with its refresh tokens is nobody else's.
            reusable=form.get("validity_period") is None and not self._refreshes(request),
            user=user,
        )

    async def on_issued(self, request: GrantRequest, issued: IssuedToken) -> Mapping[str, str]:
        """RFC 6749 section 5.1: a refresh token beside it, where the client may use one."""
        users, tokens = self.context.users, self.context.refresh_tokens
        if users is not None:
            await users.registered(request.client, issued.grant.subject)
        if tokens is None or not self._refreshes(request):
            return {}
        return {"refresh_token": await tokens.begin(request.client, issued)}

    def _refreshes(self, request: GrantRequest) -> bool:
        tokens = self.context.refresh_tokens
        return tokens is not None and tokens.may_have(request.client)
