"""Verifies a client's credentials against its registration: one function for each method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.clock import Clock
from gateway.jose.jwk import PublicKey, parse_jwks
from gateway.jose.jws import Signed
from gateway.oauth.assertion import Assertion, judge_assertion
from gateway.oauth.certificate import has_key, has_subject
from gateway.oauth.client_auth import (
    PRIVATE_KEY_JWT,
    SECRET_METHODS,
    TLS,
    TLS_METHODS,
    ClientProof,
    digest_matches,
    may_use,
    methods_of,
)
from gateway.oauth.model import Client
from gateway.runtime.caches import MIB, cached, register


class ReplayGuard(Protocol):
    """Detects replays, for all workers and gateways of a store."""

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        """Whether this is the first use within so many seconds."""


class FetchedKeys(Protocol):
    """The keys of clients that have a `jwks_uri`."""

    async def keys(self, client: Client, kid: object) -> Sequence[PublicKey]:
        """The keys, among them that of the `kid` where there is one. Raises IssuerUnavailable."""


class Credentials:
    """Verifies a client's proof."""

    def __init__(
        self,
        issuer: str,
        once: ReplayGuard | None,
        clock: Clock,
        token_endpoints: Sequence[str] = (),
        fetched: FetchedKeys | None = None,
    ) -> None:
        """`issuer`: the audience of assertions. Without `once` none is accepted.

        `token_endpoints`: its URIs, which some clients use as audience. `fetched`: without it, a client with
        a `jwks_uri` has no keys.
        """
        self._fetched = fetched
        self._issuer = issuer
        self._token_endpoints = token_endpoints
        self._once = once
        self._clock = clock

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    async def wrong(self, client: Client | None, proof: ClientProof) -> str | None:
        """Why the proof is not valid, for the log; None where it is.

        An unknown client takes the same path as a wrong proof. Raises IssuerUnavailable where the client's
        keys can't be had.
        """
        if proof.method in SECRET_METHODS:
            return self.wrong_secret(client, proof)
        if client is None or not client.enabled:
            return "unknown or disabled client"
        if proof.method == TLS:
            return await self._wrong_certificate(client, proof.certificate)
        return _not_allowed(client, proof.method) or await self._wrong_assertion(client, proof.signed)

    def wrong_secret(self, client: Client | None, proof: ClientProof) -> str | None:
        """The same for a secret, without I/O."""
        # First, so that every wrong proof takes the same time.
        now = self._clock()
        right = False
        for digest in proof.digests:
            right = digest_matches(client, digest, now) or right
        return _not_allowed(client, proof.method) or (None if right else "wrong secret")

    def _audiences(self, client: Client) -> list[str]:
        known = {"issuer": [self._issuer], "token_endpoint": self._token_endpoints}
        return [uri for kind in client.assertion_audience for uri in known[kind]]

    async def _wrong_assertion(self, client: Client, signed: Signed | None) -> str | None:
        if signed is None:
            return "the assertion is malformed"
        keys = await self._keys(client, signed)
        judged = judge_assertion(signed, client.id, keys, self._audiences(client), self._clock())
        if not isinstance(judged, Assertion):
            return judged
        # RFC 7523 section 3: a used jti is refused. Checked last, so that an unsigned assertion does not use
        # it up, and in one atomic step.
        name = f"{client.id} {judged.jti}"
        if self._once is None or not await self._once.first(PRIVATE_KEY_JWT, name, judged.remember):
            return "the assertion was used before"
        return None

    async def _wrong_certificate(self, client: Client, certificate: bytes) -> str | None:
        """RFC 8705 section 2: either of the two methods, as far as the client may use them."""
        allowed = methods_of(client)
        by_subject, by_key = (method in allowed for method in TLS_METHODS)
        if by_subject and client.tls_subject and has_subject(certificate, *client.tls_subject):
            return None
        if by_key and has_key(certificate, await self._keys(client, None)):
            return None
        return "the certificate is not the client's" if by_subject or by_key else "the client may not use TLS"

    async def _keys(self, client: Client, assertion: Signed | None) -> tuple[PublicKey, ...]:
        if not client.jwks_uri or self._fetched is None:
            return client_keys(client.jwks)
        kid = None if assertion is None else assertion.header.get("kid")
        return tuple(await self._fetched.keys(client, kid))


def _not_allowed(client: Client | None, method: str) -> str | None:
    if client is None:
        return "unknown client"
    return None if may_use(client, method) else f"the client may not use {method}"


_KEYS = register("key sets of clients", __name__, entries=1024, key_bytes=4096, total_bytes=18 * MIB)


@cached(_KEYS)
def client_keys(jwks: str) -> tuple[PublicKey, ...]:
    """The keys of a client's JWK Set; none where it is empty or malformed."""
    try:
        return parse_jwks(jwks) if jwks else ()
    except ValueError:
        return ()
