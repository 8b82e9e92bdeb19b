"""People, as grants use them: what goes wrong becomes an OAuth error."""

from __future__ import annotations

from gateway.accounts.users import TooManyAttempts, UserAuthentication, Users, WrongPassword
from gateway.oauth.errors import OAuthError
from gateway.oauth.values import Client
from gateway.store import RegisteredUsers


class SignedUpUsers:
    """The users of the file and of the store (`gateway.oauth.lent.GrantUsers`)."""

    def __init__(self, users: Users, door: UserAuthentication, registered: RegisteredUsers) -> None:
        self._users = users
        self._door = door
        self._registered = registered

    async def sign_in(self, name: str, password: str, address: str) -> str:
        """RFC 6749 section 4.3.2: the credentials are protected against guessing.

        Raises:
            OAuthError: `invalid_grant`, held back the longer the more there were; 429 after too many.
        """
        try:
            return (await self._door.authenticate(name, password, address)).name
        except WrongPassword as error:
            text = "The user name or the password is wrong."
            raise OAuthError("invalid_grant", text, delay=error.delay) from error
        except TooManyAttempts as error:
            text = "Too many failed attempts."
            raise OAuthError("slow_down", text, retry_after=error.retry_after) from error

    async def is_there(self, name: str) -> bool:
        """Whether there still is a user of that name."""
        return await self._users.find(name) is not None

    async def registered(self, client: Client, name: str) -> None:
        """Notes that this user has got a token for the client."""
        await self._registered.note(client.id, name.lower())
