"""The ids by which people are referred to."""

from __future__ import annotations

import hashlib
import json
import secrets

ID_BYTES = 12
"""Enough that no id is ever drawn twice."""
PROVIDER_ID_BYTES = 20
"""Enough that no two people are found that have one id."""


def new_user_id(source: str) -> str:
    """The id of a new person of that source (`file` or `store`)."""
    return f"{source}:{secrets.token_hex(ID_BYTES)}"


def provider_user_id(issuer: str, subject: str) -> str:
    """The id of a person of another issuer, which never gives a subject to somebody else.

    OpenID Connect Core section 5.7: only `iss` and `sub` together identify a person.
    """
    digest = hashlib.sha256(json.dumps([issuer, subject]).encode()).hexdigest()
    return f"store:{digest[: 2 * PROVIDER_ID_BYTES]}"
