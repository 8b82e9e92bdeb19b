"""The client credentials grant (RFC 6749 section 4.4)."""

from gateway.plugin import Grant, GrantPlugin, GrantRequest


class ClientCredentials(GrantPlugin):
    """Section 4.4.3: a refresh token is never included.

    A request with `validity_period` gets a token of its own; any other may be answered with a live one.
    """

    grant_type = "client_credentials"
    depends_on = ("scope", "validity_period")

    def grant(self, request: GrantRequest) -> Grant:
        """Grants the requested scopes to the client itself."""
        return Grant(
            request.client.id,
            request.scope_rules.with_application(request.scopes()),
            request.audience(),
            request.lifetime(),
            reusable=request.form.get("validity_period") is None,
        )
