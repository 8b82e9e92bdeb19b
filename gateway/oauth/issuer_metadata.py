"""The metadata document of an issuer (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

import json
from typing import Any


def read_metadata(document: bytes, issuer: str) -> dict[str, Any]:
    """The members of the document.

    Raises:
        ValueError: it is not this issuer's.
    """
    try:
        members = json.loads(document)
    except RecursionError:
        raise ValueError("is not JSON") from None
    # RFC 8414 section 3.3, OpenID Connect Discovery 1.0 section 4.3: if the issuer is not exactly the one
    # that was asked, the metadata must not be used.
    if not isinstance(members, dict) or members.get("issuer") != issuer:
        raise ValueError("is not this issuer's metadata")
    return members
