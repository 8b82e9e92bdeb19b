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
        if not self.secrets and self.subject is None:
            return real_peer(connection, headers, self.trusted) if self.trusted(connection.address) else None
        if not (self._shows_secret(headers) or self._shows_certificate(connection)):
            return None
        return real_peer(connection, headers, self.trusted.and_address(connection.address))

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
