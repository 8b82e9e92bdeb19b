"""What the store knows a token by: its hash, and in a Redis Cluster before it the group of its client.

The token's key must be found from the token alone, in the slot that has the keys of its client.
"""

from __future__ import annotations

from gateway.jose.compact import read_jwt
from gateway.oauth.opaque_tokens import PREFIX, token_hash
from gateway.store import KeyNames, group_of


def token_name(names: KeyNames, token: str) -> str:
    """The name of a token of this gateway."""
    return names.token_name(token_hash(token), _group(token) if names.cluster else "")


def _group(token: str) -> str:
    """An opaque token names the group by its first random character, a JWT by its client (RFC 9068)."""
    if token.startswith(PREFIX):
        return token[len(PREFIX)]
    jwt = read_jwt(token)
    return group_of(str(jwt.claims.get("client_id", "")) if jwt is not None else "")
