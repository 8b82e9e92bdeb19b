"""Keys that the gateway signs with: generated, read from PEM, and published as JWKs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as make_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as make_rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.jose.jwk import PublicKey, public_members, thumbprint
from gateway.jose.signatures import Private, sign

P256: Final = "secp256r1"
RSA_BITS: Final = 2048
"""RFC 7518 section 3.3: a key of 2048 bits or more must be used."""
RSA_EXPONENT: Final = 65537


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """One key pair. Its repr has no key material."""

    kid: str
    """Its thumbprint (RFC 7638): the same key has the same `kid` everywhere."""
    algorithm: str
    public: PublicKey
    _private: Private

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r})"

    @property
    def jwk(self) -> dict[str, str]:
        """The public key (RFC 7517 section 4)."""
        members = public_members(self.public.material)
        return {**members, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    @property
    def pem(self) -> str:
        """The private key in PKCS #8, to be stored where only the gateway can read it."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`."""
        return sign(self._private, self.algorithm, data)

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Whether the signature over `data` is valid under this key."""
        return self.public.verifies(self.algorithm, data, signature)


def make_key(algorithm: str) -> SigningKey:
    """A new key for ES256, RS256 or EdDSA."""
    if algorithm == "ES256":
        return _named(algorithm, make_ec(SECP256R1()))
    if algorithm == "RS256":
        return _named(algorithm, make_rsa(RSA_EXPONENT, RSA_BITS))
    return _named(algorithm, Ed25519PrivateKey.generate())


def read_pem(pem: bytes) -> SigningKey:
    """The private key in a PEM file.

    Raises:
        ValueError: it is not a key that can sign tokens; the text says why.
    """
    try:
        native = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is no private key in PEM, or has a password") from None
    if isinstance(native, EllipticCurvePrivateKey) and native.curve.name == P256:
        return _named("ES256", native)
    if isinstance(native, RSAPrivateKey) and native.key_size >= RSA_BITS:
        return _named("RS256", native)
    if isinstance(native, Ed25519PrivateKey):
        return _named("EdDSA", native)
    raise ValueError("must be an EC key on P-256, an RSA key of 2048 bits or more, or an Ed25519 key")


def _named(algorithm: str, private: Private) -> SigningKey:
    material = private.public_key()
    kid = thumbprint(material)
    return SigningKey(kid, algorithm, PublicKey(material, kid, kid, algorithm), private)
