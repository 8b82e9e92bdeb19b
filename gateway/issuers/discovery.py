"""Discovery of the `jwks_uri` of an issuer (RFC 8414, OpenID Connect Discovery)."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.issuers.http_client import HttpClient, HttpClientError
from gateway.oauth.issuer_metadata import read_metadata


def metadata_urls(issuer: str) -> tuple[str, str]:
    """RFC 8414 section 3.1 puts its well-known part before the issuer's path; OpenID Connect, behind it."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}",
        f"{issuer.rstrip('/')}/.well-known/openid-configuration",
    )


def jwks_url(document: bytes, issuer: str) -> str:
    """The `jwks_uri` in the metadata.

    Raises:
        ValueError: the document is not this issuer's, or has no usable `jwks_uri`.
    """
    url = read_metadata(document, issuer).get("jwks_uri")
    # The keys of an https issuer must not be fetched by plain HTTP.
    if not isinstance(url, str) or urlsplit(url).scheme not in ("https", urlsplit(issuer).scheme):
        raise ValueError("has no usable jwks_uri")
    return url


async def discover(fetch: HttpClient, issuer: str) -> str:
    """The `jwks_uri` of an issuer. Raises HttpClientError."""
    reasons = []
    for url in metadata_urls(issuer):
        try:
            return jwks_url(await fetch.get(url), issuer)
        except HttpClientError as error:
            reasons.append(str(error))
        except ValueError as error:
            reasons.append(f"{url} {error}")
    raise HttpClientError("; ".join(reasons))
