"""How a client says who it is: one function a way, and the list of ways (RFC 6749 section 2.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.oauth.errors import OAuthError, invalid_client, invalid_request
from gateway.oauth.form import Form, form_decode
from gateway.oauth.values import Client, Secret


@dataclass(frozen=True, slots=True)
class ClientProof:
    """What a request brings to prove which client sent it."""

    client_id: str
    secret: str
    method: str


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """The parts of a request that a way of authentication may look at."""

    authorization: Sequence[bytes]
    """All values of the Authorization header."""
    form: Form


def client_secret_basic(request: ProofRequest) -> ClientProof | None:
    """RFC 6749 section 2.3.1: HTTP Basic, each half form-encoded before it was joined by a colon."""
    if not request.authorization:
        return None
    scheme, _, encoded = request.authorization[0].partition(b" ")
    if scheme.lower() != b"basic":
        raise invalid_client("the Authorization header is not Basic")
    try:
        decoded = base64.b64decode(encoded.strip(b" "), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_client("the Basic credentials can't be decoded") from None
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        raise invalid_client("the Basic credentials have no colon")
    return ClientProof(_form_decoded(client_id), _form_decoded(secret), "client_secret_basic")


def client_secret_post(request: ProofRequest) -> ClientProof | None:
    """RFC 6749 section 2.3.1: `client_id` and `client_secret` in the body."""
    secret = request.form.get("client_secret")
    if secret is None:
        return None
    client_id = request.form.get("client_id")
    if client_id is None:
        raise invalid_client("client_secret without client_id")
    return ClientProof(client_id, secret, "client_secret_post")


WAYS: tuple[Callable[[ProofRequest], ClientProof | None], ...] = (client_secret_basic, client_secret_post)


def read_proof(request: ProofRequest) -> ClientProof:
    """The one proof that the request brings.

    Raises:
        OAuthError: `invalid_client` where there is none or it is malformed, `invalid_request` where
            there are two. RFC 6749 section 2.3: not more than one method in each request.
    """
    if len(request.authorization) > 1:
        raise invalid_request("More than one Authorization header.")
    proofs = [proof for way in WAYS if (proof := way(request)) is not None]
    if len(proofs) > 1:
        raise invalid_request("More than one way of client authentication.")
    if not proofs:
        raise invalid_client("no client credentials")
    named = request.form.get("client_id")
    if named is not None and named != proofs[0].client_id:
        raise invalid_request("client_id differs from the authenticated client.")
    return proofs[0]


_NOBODY = (Secret(hashlib.sha256(b"nobody").digest()),)


def secret_matches(client: Client | None, secret: str, now: float) -> bool:
    """Whether `secret` is one of the client's live ones.

    An unknown client costs the same work as a known one with a wrong secret, and comparing takes as
    long for every wrong secret.
    """
    digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
    found = False
    for known in client.secrets if client is not None and client.secrets else _NOBODY:
        same = hmac.compare_digest(known.digest, digest)
        live = known.expires is None or now < known.expires
        found = found or (same and live)
    return found and client is not None and bool(client.secrets) and client.enabled


def _form_decoded(text: str) -> str:
    try:
        return form_decode(text)
    except OAuthError:
        raise invalid_client("the Basic credentials are not form-encoded") from None
