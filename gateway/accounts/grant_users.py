"""Users for grants: errors become OAuth errors."""

from __future__ import annotations

from gateway.accounts.attempt_limiter import TooManyAttempts
from gateway.accounts.users import UserAuthentication, WrongPassword
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client
from gateway.oauth.user import UserIdentity
from gateway.store import RegisteredUsers


class SignedUpUsers:
    """The users of the file and of the store (`gateway.oauth.grant_services.GrantUsers`)."""

    def __init__(self, authentication: UserAuthentication, registered: RegisteredUsers) -> None:
        self._authentication = authentication
        self._registered = registered

    async def sign_in(self, name: str, password: str, address: str) -> UserIdentity:
        """RFC 6749 section 4.3.2: the credentials are protected against guessing.

        Raises:
            OAuthError: `invalid_grant`, delayed more with each failure; 429 after too many.
        """
        try:
            return (await self._authentication.authenticate(name, password, address)).identity
        except WrongPassword as error:
            text = "The user name or the password is wrong."
            raise OAuthError("invalid_grant", text, delay=error.delay) from error
        except TooManyAttempts as error:
            raise OAuthError(
                "slow_down", str(error), retry_after=error.retry_after, delay=error.delay
            ) from error

    async def registered(self, client: Client, user_id: str) -> None:
        """Records that this user has got a token for the client."""
        await self._registered.note(client.id, user_id)
