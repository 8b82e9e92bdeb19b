"""Where an issuer keeps its keys (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from gateway.issuers.fetching import Fetch, FetchFailed


def metadata_urls(issuer: str) -> tuple[str, str]:
    """RFC 8414 section 3.1 puts its well-known part before the issuer's path; OpenID Connect, behind it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
        f"{issuer.rstrip('/')}/.well-known/openid-configuration",
    )


def jwks_url(document: bytes, issuer: str) -> str:
    """The address of the keys.

    Raises:
        ValueError: the document is not this issuer's, or has no usable address.
    """
    try:
        members = json.loads(document)
    except RecursionError:
        raise ValueError("is not JSON") from None
    # RFC 8414 section 3.3: if the issuer is not identical, the metadata must not be used.
    if not isinstance(members, dict) or members.get("issuer") != issuer:
        raise ValueError("is not this issuer's metadata")
    url = members.get("jwks_uri")
    # What is trusted for https must not be fetched in plain text.
    if not isinstance(url, str) or urlsplit(url).scheme not in ("https", urlsplit(issuer).scheme):
        raise ValueError("has no usable jwks_uri")
    return url


async def discover(fetch: Fetch, issuer: str) -> str:
    """The address of an issuer's keys. Raises FetchFailed."""
    reasons = []
    for url in metadata_urls(issuer):
        try:
            return jwks_url(await fetch.get(url), issuer)
        except FetchFailed as error:
            reasons.append(str(error))
        except ValueError as error:
            reasons.append(f"{url} {error}")
    raise FetchFailed("; ".join(reasons))
