"""What grants are lent to work with."""

from __future__ import annotations

from typing import Protocol

from gateway.oauth.grants import IssuedToken
from gateway.oauth.values import Client, TokenFacts


class GrantUsers(Protocol):
    """The people who may sign in."""

    async def sign_in(self, name: str, password: str, address: str) -> str:
        """The name of the user with this name and password, as it was registered.

        Raises:
            OAuthError: `invalid_grant`, the same for an unknown user and a wrong password; 429 after too
                many of them.
        """

    async def is_there(self, name: str) -> bool:
        """Whether there still is a user of that name."""

    async def registered(self, client: Client, name: str) -> None:
        """Notes that this user has got a token for the client."""


class GrantRefreshTokens(Protocol):
    """Refresh tokens. They are given out only where the grant of that name is switched on."""

    def switch_on(self, lifetime: int) -> None:
        """From now on there are some; each is good for so many seconds."""

    def may_have(self, client: Client) -> bool:
        """Whether this client gets any."""

    async def begin(self, client: Client, issued: IssuedToken) -> str:
        """The first refresh token of a family, beside the access token that was issued."""

    async def find(self, client: Client, token: str) -> TokenFacts:
        """What a refresh token stands for.

        Raises:
            OAuthError: `invalid_grant` where it is not good for this client. One that was used before ends
                its whole family, with every access token of it.
        """

    async def rotate(self, client: Client, token: str, issued: IssuedToken) -> str:
        """The next one of its family, beside the access token that was issued.

        Raises:
            OAuthError: `invalid_grant` where somebody else was quicker: the family is over, and the access
                token with it.
        """
