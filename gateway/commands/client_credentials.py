"""What a client that `gatepost client` makes proves itself with."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.oauth.values import Client
from gateway.subject import check_subject


def unfit_credentials(wanted: Client) -> Iterator[str]:
    """What its ways of authentication lack."""
    if wanted.tls_subject is not None:
        kind, expected = wanted.tls_subject
        try:
            check_subject(kind, expected)
        except ValueError as error:
            yield f"the {kind} {error}"
    for method in sorted(wanted.auth):
        if method == "tls_client_auth" and wanted.tls_subject is None:
            yield f"{method} needs --tls"
        if method in ("private_key_jwt", "self_signed_tls_client_auth") and not wanted.jwks:
            yield f"{method} needs --jwks"
