"""Binds tokens to what their callers hold, and asks for it again when they are used (RFC 8705, RFC 9449)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.accounts.credentials import Once
from gateway.clock import Clock
from gateway.oauth.certificate import certificate_thumbprint
from gateway.oauth.confirmation import CERTIFICATE, KEY, Proven, Shown
from gateway.oauth.dpop import REMEMBER, Proof, ProofError, ProofRefusal, judge_proof
from gateway.oauth.errors import OAuthError, invalid_request
from gateway.oauth.nonce import Nonces
from gateway.oauth.values import Client


def by_certificate(client: Client, certificate: bytes | None) -> dict[str, str]:
    """What the client's new token is bound to without a DPoP proof.

    Raises:
        OAuthError: it must be bound to a certificate, and there is none.
    """
    if not client.require_mtls:
        return {}
    if certificate is None:
        raise invalid_request("This client must present its TLS certificate.")
    return {CERTIFICATE: certificate_thumbprint(certificate)}


def shows_a_key(client: Client, proofs: Sequence[bytes]) -> bool:
    """Whether there is a DPoP proof to be judged, or one is missing."""
    return bool(proofs) or client.require_dpop


class Binding:
    """Judges DPoP proofs, each of which is taken once, and binds new tokens."""

    def __init__(self, once: Once, clock: Clock, nonces: Nonces | None) -> None:
        """`nonces`: proofs must bear one of these; None: they need not bear any."""
        self._once = once
        self._clock = clock
        self._nonces = nonces

    async def confirmation(self, client: Client, shown: Shown) -> tuple[dict[str, str], str | None]:
        """What the client's new token is bound to, and the nonce for its next proof.

        Raises:
            OAuthError: the proof is wrong, or something is missing that this client's tokens are bound to.
        """
        bound = by_certificate(client, shown.certificate)
        if not shows_a_key(client, shown.proofs):
            return bound, None
        proven = await self.prove(shown)
        if proven.refusal is not None:
            raise OAuthError(proven.refusal.value, _DESCRIPTIONS[proven.refusal], nonce=proven.nonce)
        return bound | {KEY: proven.jkt or ""}, proven.nonce

    async def prove(self, shown: Shown, token: str | None = None, jkt: str | None = None) -> Proven:
        """Judges a proof; one that is right is used up. `jkt` is the key that it must be of.

        Raises:
            StoreUnavailable: whether it was used before can't be known.
        """
        now = self._clock()
        fresh = self._nonces.current(now) if self._nonces else None
        try:
            proof = judge_proof(shown.proofs, method=shown.method, uri=shown.uri, now=now, token=token)
        except ProofError:
            return Proven(refusal=ProofRefusal.INVALID, nonce=fresh)
        if jkt is not None and proof.jkt != jkt:
            return Proven(refusal=ProofRefusal.INVALID, nonce=fresh)
        if self._nonces is not None and not (proof.nonce and self._nonces.is_ours(proof.nonce, now)):
            return Proven(refusal=ProofRefusal.NONCE, nonce=fresh)
        if not await self._first(proof):
            return Proven(refusal=ProofRefusal.INVALID, nonce=fresh)
        return Proven(jkt=proof.jkt, nonce=fresh if fresh != proof.nonce else None)

    async def _first(self, proof: Proof) -> bool:
        # RFC 9449 section 11.1: a jti is taken once within the time in which its proof would be.
        return await self._once.first("dpop", f"{proof.jkt} {proof.jti}", REMEMBER)


_DESCRIPTIONS = {
    ProofRefusal.INVALID: "The DPoP proof is missing, not valid, or was used before.",
    ProofRefusal.NONCE: "The DPoP proof must bear the nonce of the DPoP-Nonce header.",
}
