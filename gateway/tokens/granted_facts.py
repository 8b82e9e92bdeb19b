"""What a token says of its client and its grant."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.oauth.bearer import NOTHING_PROVEN
from gateway.oauth.grants import Grant
from gateway.oauth.model import OWN, Client, TokenInfo


def granted_token_info(
    client: Client,
    grant_type: str,
    grant: Grant,
    now: float,
    cnf: Mapping[str, str] = NOTHING_PROVEN,
    audience: tuple[str, ...] | None = None,
) -> TokenInfo:
    """The facts of a token that is issued now. `audience`: where it is another one than the grant's."""
    issued = int(now)
    # By place: so many names take longer than all the rest.
    return TokenInfo(
        client.id,
        grant.scopes,
        grant.audience if audience is None else audience,
        grant.subject,
        issued,
        # The store's TTL ends it to the millisecond; this is what others are told, in whole seconds.
        issued + grant.lifetime,
        grant_type,
        client.source,
        grant.user,
        grant.user_id,
        grant.user_generation,
        grant.extra,
        OWN,
        dict(cnf),
        tier_of(client),
    )


def credential_digests(client: Client) -> tuple[str, ...]:
    """Digests of the client's credentials, as in the store."""
    if client.source == "store":
        return tuple(secret.digest.hex() for secret in client.secrets)
    return client.credential_digests


def tier_of(client: Client) -> str | None:
    """The tier of its tokens; none for a client of gateway.yaml, whose tier is looked up there."""
    return client.tier if client.source == "store" else None
