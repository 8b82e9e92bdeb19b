"""What a token's introspection tells, and whom (RFC 7662)."""

from __future__ import annotations

from gateway.oauth.client_claims import claims_of
from gateway.oauth.exchange import ACTOR, actor_of
from gateway.oauth.model import Client, TokenInfo

INTROSPECT = "introspect"
"""The scope of a token whose bearer may introspect every token."""

INACTIVE = {"active": False}
"""RFC 7662 section 2.2: nothing else is told of a token that is not live, or not this caller's business."""


def may_see(client: Client, facts: TokenInfo) -> bool:
    """Whether a client may know what a token is good for.

    RFC 7662 section 4: a resource that a token is not meant for learns nothing of it. Its own client may,
    a client of one of its audiences, and one that may see every token.
    """
    mine = client.id == facts.client
    return mine or client.introspect or not set(client.audiences).isdisjoint(facts.audience)


def description(facts: TokenInfo, issuer: str, token_type: str | None) -> dict[str, object]:
    """The members of RFC 7662 section 2.2 for a live token. `token_type` is an access token's."""
    members: dict[str, object] = {
        "active": True,
        "scope": " ".join(facts.scopes),
        "client_id": facts.client,
        "username": facts.user,
        "token_type": token_type,
        "exp": facts.expires,
        "iat": facts.issued,
        "sub": facts.subject,
        "aud": list(facts.audience),
        "iss": issuer,
        # RFC 8705 section 3.2, RFC 9449 section 6.2: what the caller must prove to hold.
        "cnf": facts.cnf,
        # RFC 8693 section 4.1: who acts for the subject.
        ACTOR: actor_of(facts.extra),
    }
    told = {name: value for name, value in members.items() if value not in (None, "", [], {})}
    return claims_of(facts.extra) | told
