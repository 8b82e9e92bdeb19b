"""What tokens are bound to, and what a request shows of it (RFC 7800, RFC 8705 section 3, RFC 9449)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.oauth.certificate import certificate_thumbprint
from gateway.oauth.dpop import ProofRefusal
from gateway.oauth.model import Client

CERTIFICATE: Final = "x5t#S256"
KEY: Final = "jkt"


@dataclass(slots=True)
class ProofOfPossession:
    """What a request shows beside its token or its client's credentials."""

    method: str
    uri: str
    """Without query; never taken from Host alone."""
    proofs: Sequence[bytes] = ()
    """All values of the DPoP header."""
    certificate: bytes | None = None
    """In DER, verified by TLS or by a trusted proxy."""


@dataclass(slots=True)
class VerifiedProof:
    """The answer to a proof."""

    jkt: str | None = None
    refusal: ProofRefusal | None = None
    reason: str = ""
    """Why it is refused: for the operator, never for the caller."""
    nonce: str | None = None
    """What the caller is to put into its next proof, where that is another one than it knows."""


def confirmed_members(cnf: Mapping[str, str], certificate: bytes | None, jkt: str | None) -> dict[str, str]:
    """What a request has proven to hold, as far as its token is bound to it."""
    proven = {KEY: jkt} if jkt is not None else {}
    if CERTIFICATE in cnf and certificate is not None:
        proven[CERTIFICATE] = certificate_thumbprint(certificate)
    return proven


def missing_proof(cnf: Mapping[str, str], proven: Mapping[str, str]) -> str:
    """What a request has not proven that its token is bound to, for the operator; empty: nothing."""
    if KEY in cnf and proven.get(KEY) != cnf[KEY]:
        return "it is bound to a DPoP key, and came as a bearer token"
    if CERTIFICATE in cnf and CERTIFICATE not in proven:
        return "it is bound to a TLS certificate, and the request came without one"
    if CERTIFICATE in cnf and proven[CERTIFICATE] != cnf[CERTIFICATE]:
        return "it is bound to another TLS certificate than that of the request"
    return "" if proven.keys() >= cnf.keys() else "it is bound to something that is not supported"


def lacks(client: Client, cnf: Mapping[str, str]) -> bool:
    """Whether a token that is bound to this would be less bound than this client's must be."""
    return (client.require_mtls and CERTIFICATE not in cnf) or (client.require_dpop and KEY not in cnf)


def token_type(cnf: Mapping[str, str]) -> str:
    """RFC 9449 section 5: a token that is bound to a key is used with the scheme DPoP."""
    return "DPoP" if KEY in cnf else "Bearer"
