"""Credential checks for clients created by `gatepost client`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.oauth.certificate_subject import check_subject
from gateway.oauth.model import Client


def credential_problems(client: Client) -> Iterator[str]:
    """Yields the problems of its authentication methods, for instance a missing JWK Set."""
    if client.tls_subject is not None:
        kind, expected = client.tls_subject
        try:
            check_subject(kind, expected)
        except ValueError as error:
            yield f"the {kind} {error}"
    if client.jwks and client.jwks_uri:
        yield "there are jwks and a jwks_uri: a client's keys come from one place"
    for method in sorted(client.auth):
        if method == "tls_client_auth" and client.tls_subject is None:
            yield f"{method} needs --tls"
        if method in ("private_key_jwt", "self_signed_tls_client_auth") and not client.has_keys:
            yield f"{method} needs --jwks"
