"""Sender-constrained tokens: bound to a certificate or a key when issued (RFC 8705, RFC 9449)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.accounts.credentials import ReplayGuard
from gateway.clock import Clock
from gateway.oauth.certificate import certificate_thumbprint
from gateway.oauth.confirmation import CERTIFICATE, KEY, ProofOfPossession, VerifiedProof
from gateway.oauth.dpop import REMEMBER, Proof, ProofError, ProofRefusal, judge_proof
from gateway.oauth.errors import OAuthError, invalid_request
from gateway.oauth.model import Client
from gateway.oauth.nonce import Nonces


def by_certificate(client: Client, certificate: bytes | None) -> dict[str, str]:
    """The confirmation of a new token without a DPoP proof.

    Raises:
        OAuthError: the client must present a certificate, and has not.
    """
    if not client.require_mtls:
        return {}
    if certificate is None:
        raise invalid_request("This client must present its TLS certificate.")
    return {CERTIFICATE: certificate_thumbprint(certificate)}


def shows_a_key(client: Client, proofs: Sequence[bytes]) -> bool:
    """Whether a DPoP proof was presented or is required."""
    return bool(proofs) or client.require_dpop


class SenderConstraint:
    """Verifies DPoP proofs, each of which is accepted once, and binds new tokens."""

    def __init__(self, once: ReplayGuard, clock: Clock, nonces: Nonces | None) -> None:
        """`nonces`: proofs must have one of these; None: no nonce is required."""
        self._once = once
        self._clock = clock
        self._nonces = nonces

    async def confirmation(
        self, client: Client, shown: ProofOfPossession
    ) -> tuple[dict[str, str], str | None]:
        """The confirmation of a new token, and the nonce for the client's next proof.

        Raises:
            OAuthError: the proof is not valid, or a required proof or certificate is missing.
        """
        bound = by_certificate(client, shown.certificate)
        if not shows_a_key(client, shown.proofs):
            return bound, None
        proven = await self.verify_proof(shown)
        if proven.refusal is not None:
            text = _DESCRIPTIONS[proven.refusal]
            reason = f"{text} ({proven.reason})"
            raise OAuthError(proven.refusal.value, text, reason=reason, nonce=proven.nonce)
        return bound | {KEY: proven.jkt or ""}, proven.nonce

    async def verify_proof(
        self, shown: ProofOfPossession, token: str | None = None, jkt: str | None = None
    ) -> VerifiedProof:
        """Verifies a proof, which can be used once. `jkt`: the thumbprint of its required key.

        Raises:
            StoreUnavailable: replays can't be detected now.
        """
        now = self._clock()
        fresh = self._nonces.current(now) if self._nonces else None
        try:
            proof = judge_proof(shown.proofs, method=shown.method, uri=shown.uri, now=now, token=token)
        except ProofError as error:
            return VerifiedProof(refusal=ProofRefusal.INVALID, reason=str(error), nonce=fresh)
        if jkt is not None and proof.jkt != jkt:
            reason = "the token is bound to another key"
            return VerifiedProof(refusal=ProofRefusal.INVALID, reason=reason, nonce=fresh)
        if self._nonces is not None and not (proof.nonce and self._nonces.has_valid_tag(proof.nonce, now)):
            reason = "its nonce is too old, or of another server" if proof.nonce else "it has no nonce"
            return VerifiedProof(refusal=ProofRefusal.NONCE, reason=reason, nonce=fresh)
        if not await self._first(proof):
            reason = "its jti was used before"
            return VerifiedProof(refusal=ProofRefusal.INVALID, reason=reason, nonce=fresh)
        return VerifiedProof(jkt=proof.jkt, nonce=fresh if fresh != proof.nonce else None)

    async def _first(self, proof: Proof) -> bool:
        # RFC 9449 section 11.1: a jti is accepted once while its proof is valid.
        return await self._once.first("dpop", f"{proof.jkt} {proof.jti}", REMEMBER)


_DESCRIPTIONS: Final = {
    ProofRefusal.INVALID: "The DPoP proof is missing, not valid, or was used before.",
    ProofRefusal.NONCE: "The DPoP proof must bear the nonce of the DPoP-Nonce header.",
}
