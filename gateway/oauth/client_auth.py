"""How a client says who it is: one function a way, and the list of ways (RFC 6749 section 2.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.jose.compact import read_jwt
from gateway.jose.jws import Signed
from gateway.oauth.assertion import ASSERTION_TYPE, assertion_client, read_assertion
from gateway.oauth.errors import OAuthError, invalid_client, invalid_request
from gateway.oauth.form import Form, form_decode
from gateway.oauth.model import Client, Secret
from gateway.runtime.caches import MIB, cached, register

BASIC: Final = "client_secret_basic"
SECRET_METHODS: Final = (BASIC, "client_secret_post")
_BASIC: Final = register("Basic credentials", __name__, entries=512, key_bytes=512, total_bytes=2 * MIB)


@dataclass(slots=True)
class ClientProof:
    """What a request brings to prove which client sent it. Nobody changes it."""

    client_id: str
    secret: str
    """Empty where the way needs none."""
    method: str
    """As in `METHODS`; `TLS` where it depends on the client which of the two it is; `WORKLOAD`."""
    assertion: str = ""
    """A token of another issuer."""
    signed: Signed | None = None
    """The client's own assertion, whose signature is yet to be verified."""
    certificate: bytes = b""
    """In DER."""
    raw_secret: str = ""
    """The secret as it was sent, where decoding it gives another one."""
    digests: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    """Those of the secret in its one or two spellings; none where the way needs no secret."""

    def __post_init__(self) -> None:
        given = (self.secret, self.raw_secret) if self.raw_secret else (self.secret,)
        self.digests = tuple(map(secret_digest, given)) if self.method in SECRET_METHODS else ()


class ProofRequest(Protocol):
    """The parts of a request that a way of authentication may look at."""

    authorization: Sequence[bytes]
    """All values of the Authorization header."""
    form: Form
    certificate: bytes | None
    """The client's TLS certificate in DER, verified by TLS or by a trusted proxy."""


def client_secret_basic(request: ProofRequest) -> ClientProof | None:
    """RFC 6749 section 2.3.1: HTTP Basic, each half form-encoded before it was joined by a colon."""
    if not request.authorization:
        return None
    header = request.authorization[0]
    if header[:6].lower() != b"basic " and has_credentials(request.form):
        # Libraries send the token that they had along, and proxies their own credentials.
        return None
    return _basic(header)


def has_credentials(form: Form) -> bool:
    """Whether the body has a client's credentials."""
    return form.get("client_secret") is not None or form.get("client_assertion") is not None


@cached(_BASIC)
def _basic(header: bytes) -> ClientProof:
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        raise invalid_client("the Authorization header is not Basic")
    try:
        decoded = base64.b64decode(encoded.strip(b" "), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_client("the Basic credentials can't be decoded") from None
    client_id, colon, secret = decoded.partition(":")
    if not colon:
        raise invalid_client("the Basic credentials have no colon")
    return _with_spellings(client_id, secret)


def _with_spellings(client_id: str, secret: str) -> ClientProof:
    """Section 2.3.1 wants both halves form-encoded. curl and many libraries send them raw, which matters
    where they hold `+` or `%`: a secret is taken in either spelling.
    """
    method = BASIC
    try:
        decoded_id, decoded = form_decode(client_id), form_decode(secret)
    except OAuthError:
        # Nothing that was form-encoded looks like that.
        return ClientProof(client_id, secret, method)
    return ClientProof(decoded_id, decoded, method, raw_secret="" if decoded == secret else secret)


def client_secret_post(request: ProofRequest) -> ClientProof | None:
    """RFC 6749 section 2.3.1: `client_id` and `client_secret` in the body."""
    secret = request.form.get("client_secret")
    if secret is None:
        return None
    client_id = request.form.get("client_id")
    if client_id is None:
        raise invalid_client("client_secret without client_id")
    return ClientProof(client_id, secret, "client_secret_post")


def private_key_jwt(request: ProofRequest) -> ClientProof | None:
    """RFC 7523 section 2.2: a JWT that the client has signed, in the body."""
    form = request.form
    assertion, kind = form.get("client_assertion"), form.get("client_assertion_type")
    if assertion is None and kind is None:
        return None
    if assertion is None or kind is None:
        raise invalid_request("client_assertion and client_assertion_type go together.")
    if kind != ASSERTION_TYPE:
        raise invalid_client("this client_assertion_type is not known")
    signed = read_assertion(assertion)
    client_id = None if signed is None else assertion_client(signed)
    if client_id is not None:
        return ClientProof(client_id, "", PRIVATE_KEY_JWT, signed=signed)
    return _workload_proof(request, assertion)


def _workload_proof(request: ProofRequest, token: str) -> ClientProof:
    """A token of the client's platform. It does not say which client that is: those who trust it do."""
    jwt = read_jwt(token)
    if jwt is None or jwt.claims.get("iss") == jwt.claims.get("sub"):
        raise invalid_client("the assertion is malformed, or its iss and sub are not one client")
    return ClientProof(request.form.get("client_id") or "", "", WORKLOAD, assertion=token)


WAYS: Final[tuple[Callable[[ProofRequest], ClientProof | None], ...]] = (
    client_secret_basic,
    client_secret_post,
    private_key_jwt,
)
PRIVATE_KEY_JWT: Final = "private_key_jwt"
TLS_METHODS: Final = ("tls_client_auth", "self_signed_tls_client_auth")
METHODS: Final = (*SECRET_METHODS, PRIVATE_KEY_JWT, *TLS_METHODS)
"""As RFC 8414's metadata names them."""
TLS: Final = "tls"
WORKLOAD: Final = "workload"
"""A token of another issuer that a client trusts. It is a client assertion, and in `auth` is called so."""
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 (a grant type)
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_PARAMETERS: Final = {TOKEN_EXCHANGE: "subject_token", JWT_BEARER: "assertion"}
"""Where the grants that take somebody's token have it. It may authenticate its client, too."""


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
        return _without_credentials(request)
    named = request.form.get("client_id")
    if named is not None and named != proofs[0].client_id:
        raise invalid_request("client_id differs from the authenticated client.")
    return proofs[0]


def _without_credentials(request: ProofRequest) -> ClientProof:
    """By the certificate, else by the token that the request is about (RFC 8693 section 2.1)."""
    form = request.form
    token = form.get(TOKEN_PARAMETERS.get(form.get("grant_type") or "", ""))
    if token is None or (request.certificate is not None and form.get("client_id") is not None):
        return _by_certificate(request)
    return _workload_proof(request, token)


def _by_certificate(request: ProofRequest) -> ClientProof:
    """RFC 8705 section 2: the certificate proves it, and `client_id` says who it is.

    Beside another way a certificate is none of its own: a token may be bound to it.
    """
    client_id = request.form.get("client_id")
    if client_id is None or request.certificate is None:
        raise invalid_client("no client credentials")
    return ClientProof(client_id, "", TLS, certificate=request.certificate)


def methods_of(client: Client) -> frozenset[str]:
    """The ways that a client may use: those that it is given, else what its credentials allow.

    A certificate that nobody vouches for is never enough by itself: that must be asked for.
    """
    if client.auth:
        return client.auth
    implied: tuple[str, ...] = SECRET_METHODS if client.secrets else ()
    implied += (PRIVATE_KEY_JWT,) if client.has_keys or client.trust else ()
    implied += ("tls_client_auth",) if client.tls_subject else ()
    return frozenset(implied)


def may_use(client: Client, method: str) -> bool:
    """Whether the method is one of `methods_of`, with less work for the usual ones."""
    if method in SECRET_METHODS and not client.auth:
        return bool(client.secrets)
    return method in methods_of(client)


def uses_secrets(client: Client) -> bool:
    """Whether a secret is, or would be, of use to the client: it is to use one, or has nothing else."""
    if client.auth:
        return not client.auth.isdisjoint(SECRET_METHODS)
    return bool(client.secrets) or not (client.has_keys or client.tls_subject or client.trust)


_NOBODY: Final = (Secret(hashlib.sha256(b"nobody").digest()),)


def secret_digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def secret_matches(client: Client | None, secret: str, now: float) -> bool:
    """Whether `secret` is one of the client's live ones."""
    return digest_matches(client, secret_digest(secret), now)


def digest_matches(client: Client | None, digest: bytes, now: float) -> bool:
    """The same of a secret's digest.

    An unknown client costs the same work as a known one with a wrong secret, and comparing takes as
    long for every wrong secret.
    """
    found = False
    for known in client.secrets if client is not None and client.secrets else _NOBODY:
        same = hmac.compare_digest(known.digest, digest)
        live = known.expires is None or now < known.expires
        found = found or (same and live)
    return found and client is not None and bool(client.secrets) and client.enabled
