"""What grants are lent to work with."""

from __future__ import annotations

from typing import Protocol

from gateway.oauth.exchange import SubjectToken
from gateway.oauth.grants import IssuedToken
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.user import UserIdentity


class GrantUsers(Protocol):
    """The people who may sign in."""

    async def sign_in(self, name: str, password: str, address: str) -> UserIdentity:
        """The user with this name and password, the name as it was registered.

        Raises:
            OAuthError: `invalid_grant`, the same for an unknown user and a wrong password; 429 after too
                many of them.
        """

    async def registered(self, client: Client, user_id: str) -> None:
        """Notes that the user of this id has got a token for the client."""


class GrantRefreshTokens(Protocol):
    """Refresh tokens. They are given out only where the grant of that name is switched on."""

    def switch_on(self, lifetime: int) -> None:
        """From now on there are some; each is good for so many seconds."""

    def may_have(self, client: Client) -> bool:
        """Whether this client gets any."""

    async def begin(self, client: Client, issued: IssuedToken) -> str:
        """The first refresh token of a family, beside the access token that was issued."""

    async def find(self, client: Client, token: str) -> TokenInfo:
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


class GrantTokens(Protocol):
    """Tokens that clients bring: the gateway's own, and those of the issuers that it trusts."""

    async def find(
        self,
        token: str,
        issuers: frozenset[str],
        *,
        types: frozenset[str] | None = None,
        audiences: frozenset[str] = frozenset(),
        client: Client | None = None,
    ) -> SubjectToken | None:
        """What is known of a good token of one of these issuers; None for any other text.

        `types` are what a JWT of another issuer may be, None: what the issuer's tokens are. `audiences` are
        what it must be for, empty: as the issuer's other tokens. `client` is who shows it.

        Raises:
            OAuthError: `temporarily_unavailable` where its issuer can't be asked.
        """

    def assertion_audiences(self, client: Client) -> frozenset[str]:
        """What an assertion of the client must be for (RFC 7523 section 3)."""
