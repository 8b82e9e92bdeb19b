"""The tls-alpn-01 challenge (RFC 8737), which the library no longer has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from acme import challenges
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
VALIDITY = timedelta(days=1)


class TlsAlpn01Response(challenges.KeyAuthorizationChallengeResponse):  # type: ignore[misc]  # untyped where it is not installed
    """What tells the authority that the challenge can be verified."""

    typ = "tls-alpn-01"


class TlsAlpn01(challenges.KeyAuthorizationChallenge):  # type: ignore[misc]  # the same
    """A challenge whose answer is the certificate of a TLS handshake."""

    typ = "tls-alpn-01"
    response_cls = TlsAlpn01Response

    def validation(self, account_key: Any, **_: Any) -> str:
        """The key authorization, whose digest is in the certificate."""
        return str(self.key_authorization(account_key))


challenges.Challenge.register(TlsAlpn01)
challenges.ChallengeResponse.register(TlsAlpn01Response)


def challenge_certificate(domain: str, key_authorization: str, now: float) -> bytes:
    """The certificate that proves `domain`, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME challenge")])
    start = datetime.fromtimestamp(now, UTC) - timedelta(hours=1)
    # RFC 8737 section 3: an OCTET STRING with the SHA-256 digest of the key authorization, critical.
    digest = b"\x04\x20" + sha256(key_authorization.encode()).digest()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + VALIDITY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .add_extension(x509.UnrecognizedExtension(ACME_IDENTIFIER, digest), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + private_pem(key)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PEM (PKCS #8), without a password."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
