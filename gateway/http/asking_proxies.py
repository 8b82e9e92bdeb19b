"""Which proxies may ask about the requests that they have got (forward authentication)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

from gateway.http.exchange import Header, Peer, header_values
from gateway.http.forwarded import TrustedProxies, real_peer
from gateway.oauth.certificate import has_subject

SECRET = b"x-forward-auth-secret"
"""The header, in lower case, in which a proxy shows a secret."""


@dataclass(frozen=True, slots=True)
class AskingProxies:
    """Whose questions are answered. Made once for a configuration."""

    trusted: TrustedProxies
    secrets: Sequence[bytes] = ()
    """SHA-256 of the secrets, one of which must be shown."""
    subject: tuple[str, str] | None = None
    """The kind and the name of what its TLS certificate must be for."""

    def peer(self, connection: Peer, headers: Sequence[Header]) -> Peer | None:
        """The client behind the proxy that asks; None: it may not ask.

        Args:
            connection: the other end of the connection.
            headers: those of the question.
        """
        if not self.may_ask(connection, headers):
            return None
        known = self._known_by_address
        trusted = self.trusted if known else self.trusted.and_address(connection.address)
        return real_peer(connection, headers, trusted)

    def may_ask(self, connection: Peer, headers: Sequence[Header]) -> bool:
        """Whether the other end of a connection is one of them. `headers`: those of its question."""
        if self._known_by_address:
            return self.trusted(connection.address)
        return self._shows_secret(headers) or self._shows_certificate(connection)

    @property
    def _known_by_address(self) -> bool:
        return not self.secrets and self.subject is None

    @property
    def exist(self) -> bool:
        """Whether there is anybody who may ask."""
        return self.trusted.exist or bool(self.secrets) or self.subject is not None

    @property
    def needs(self) -> str:
        """What a proxy must be or show, in words."""
        needed = []
        if self.secrets:
            needed.append("a secret of server.forward_auth.secrets")
        if self.subject is not None:
            needed.append("the certificate of server.forward_auth.tls_client_auth")
        return f"it must show {' or '.join(needed)}" if needed else "it is none of server.trusted_proxies"

    def _shows_secret(self, headers: Sequence[Header]) -> bool:
        shown = header_values(headers, SECRET)
        if len(shown) != 1:
            return False
        digest = sha256(shown[0]).digest()
        return any(compare_digest(digest, secret) for secret in self.secrets)

    def _shows_certificate(self, connection: Peer) -> bool:
        certificate = connection.certificate
        return (
            self.subject is not None and certificate is not None and has_subject(certificate, *self.subject)
        )
