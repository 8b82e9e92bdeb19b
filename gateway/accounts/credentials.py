"""Judges what a client has brought against what it is registered with: one function a method."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from gateway.clock import Clock
from gateway.jwk import PublicKey, parse_jwks
from gateway.oauth.assertion import Assertion, judge_assertion
from gateway.oauth.certificate import has_key, has_subject
from gateway.oauth.client_auth import (
    PRIVATE_KEY_JWT,
    SECRET_METHODS,
    TLS,
    TLS_METHODS,
    ClientProof,
    may_use,
    methods_of,
    secret_matches,
)
from gateway.oauth.values import Client


class Once(Protocol):
    """Remembers, for all workers and gateways together, what may be used only once."""

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use; all others within so many seconds are told False."""


class Credentials:
    """Finds what is wrong with a client's proof."""

    def __init__(self, issuer: str, once: Once | None, clock: Clock) -> None:
        """`issuer`: what assertions must be made for. Without `once` none is taken."""
        self._issuer = issuer
        self._once = once
        self._clock = clock

    async def wrong(self, client: Client | None, proof: ClientProof) -> str | None:
        """Why the proof is not this client's, for the log; None where it is.

        A client that is not there takes the same path as one whose proof is wrong.
        """
        if proof.method in SECRET_METHODS:
            return self.wrong_secret(client, proof)
        if client is None or not client.enabled:
            return "unknown or disabled client"
        if proof.method == TLS:
            return _wrong_certificate(client, proof.certificate)
        return _not_allowed(client, proof.method) or await self._wrong_assertion(client, proof.assertion)

    def wrong_secret(self, client: Client | None, proof: ClientProof) -> str | None:
        """The same where the proof is a secret: that takes no waiting."""
        # Before anything else, so that every wrong answer costs the same work.
        right = secret_matches(client, proof.secret, self._clock())
        return _not_allowed(client, proof.method) or (None if right else "wrong secret")

    async def _wrong_assertion(self, client: Client, text: str) -> str | None:
        judged = judge_assertion(text, client.id, client_keys(client.jwks), self._issuer, self._clock())
        if not isinstance(judged, Assertion):
            return judged
        # RFC 7523 section 3: a jti that was seen before is refused. Last of all, so that a stranger can't
        # use up the client's, and in one step, so that of two at once one is the second.
        name = f"{client.id} {judged.jti}"
        if self._once is None or not await self._once.first(PRIVATE_KEY_JWT, name, judged.remember):
            return "the assertion was used before"
        return None


def _not_allowed(client: Client | None, method: str) -> str | None:
    if client is None:
        return "unknown client"
    return None if may_use(client, method) else f"the client may not use {method}"


def _wrong_certificate(client: Client, certificate: bytes) -> str | None:
    """RFC 8705 section 2: either of the two methods, as far as the client may use them."""
    allowed = methods_of(client)
    by_subject, by_key = (method in allowed for method in TLS_METHODS)
    if by_subject and client.tls_subject and has_subject(certificate, *client.tls_subject):
        return None
    if by_key and has_key(certificate, client_keys(client.jwks)):
        return None
    return "the certificate is not the client's" if by_subject or by_key else "the client may not use TLS"


@lru_cache(maxsize=1024)
def client_keys(jwks: str) -> tuple[PublicKey, ...]:
    """The keys of a client's JWK Set; none where it is empty or malformed."""
    try:
        return parse_jwks(jwks) if jwks else ()
    except ValueError:
        return ()
