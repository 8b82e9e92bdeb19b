"""A custom grant: another system signs tickets, and a client exchanges a ticket for a token.

A ticket is `user.end.signature`: the user's name in base64url, seconds since the epoch, and the HMAC-SHA256
of the first two parts, in hexadecimal, with a key that both systems share.
"""

import hmac
from base64 import urlsafe_b64decode
from binascii import Error

from pydantic import Field, SecretStr

from gateway.plugin import Grant, GrantPlugin, GrantRequest, OAuthError, PluginConfig

LONGEST = 2048


class TicketConfig(PluginConfig):
    """The plugin's own keys, written beside `enabled` and `use`."""

    key: SecretStr = Field(min_length=32, description="Key that tickets are signed with.")


class Ticket(GrantPlugin):
    """RFC 6749 section 4.5: the grant type of an extension is a URI."""

    Config = TicketConfig
    grant_type = "urn:example:grant-type:ticket"

    def grant(self, request: GrantRequest) -> Grant:
        """Issues a token for the ticket's user. The usual rules apply to scopes, audience and lifetime."""
        user, end = self._read(request.form.require("ticket"))
        if request.now >= end:
            raise OAuthError("invalid_grant", "The ticket has expired.")
        return Grant(
            subject=user,
            user=user,
            scopes=request.scopes(),
            audience=request.audience(),
            # The token must not outlive the ticket.
            lifetime=max(1, min(request.lifetime(), int(end - request.now))),
        )

    def _read(self, ticket: str) -> tuple[str, int]:
        signed, _, signature = ticket.rpartition(".")
        key = self.config.key.get_secret_value().encode()
        right = hmac.digest(key, signed.encode(), "sha256").hex()
        # Compared in constant time, and before anything in it is believed.
        if len(ticket) > LONGEST or not hmac.compare_digest(signature.encode(), right.encode()):
            raise OAuthError("invalid_grant", "The ticket is not valid.")
        try:
            name, end = signed.split(".")
            return urlsafe_b64decode(name).decode(), int(end)
        except (ValueError, Error):
            raise OAuthError("invalid_grant", "The ticket is not valid.") from None
