"""Claims of a client's own, in its tokens and in what introspection tells of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

CLAIMS = "claims"
"""Where a token's record notes them."""
RESERVED = frozenset(
    {
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "client_id",
        "scope",
        "cnf",
        "act",
        "may_act",
        "active",
        "username",
        "token_type",
        "authorization_details",
    }
)
"""What tokens and introspection say themselves."""


def written_claims(claims: Mapping[str, Any]) -> str:
    """The claims as a token's record notes them; empty for none."""
    return json.dumps(dict(sorted(claims.items())), separators=(",", ":")) if claims else ""


def claims_of(extra: Mapping[str, str]) -> dict[str, Any]:
    """The claims that a token's record notes; they never replace what the token says itself."""
    text = extra.get(CLAIMS)
    noted: dict[str, Any] = json.loads(text) if text else {}
    return {name: value for name, value in noted.items() if name not in RESERVED}
