"""Keys that the gateway signs with: made, read, and shown without their private half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.jose.algorithms import sign, verify

P256 = "secp256r1"
RSA_BITS = 2048
"""RFC 7518 section 3.3: a key of 2048 bits or more must be used."""


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """One key pair. Its repr tells nothing."""

    kid: str
    """Its thumbprint (RFC 7638): the same key has the same name everywhere."""
    algorithm: str
    _key: Any

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r})"

    @property
    def jwk(self) -> dict[str, Any]:
        """What everybody may know (RFC 7517 section 4), without private members."""
        public = self._key.as_dict(private=False)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    @property
    def pem(self) -> str:
        """The private key in PKCS #8, to be kept where nobody else can read it."""
        return str(self._key.as_pem(private=True).decode())

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`."""
        return sign(self.algorithm, self._key, data)

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Whether the signature over `data` is this key's."""
        return verify(self.algorithm, self._key, data, signature)


def make_key(algorithm: str) -> SigningKey:
    """A new key for ES256, RS256 or EdDSA."""
    if algorithm == "ES256":
        return _named(algorithm, ECKey.generate_key("P-256"))
    if algorithm == "RS256":
        return _named(algorithm, RSAKey.generate_key(RSA_BITS))
    return _named(algorithm, OKPKey.generate_key("Ed25519"))


def read_pem(pem: bytes) -> SigningKey:
    """The private key in a PEM file.

    Raises:
        ValueError: it is none that tokens are signed with; the text says why.
    """
    try:
        native = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is no private key in PEM, or has a password") from None
    if isinstance(native, EllipticCurvePrivateKey) and native.curve.name == P256:
        return _named("ES256", ECKey.import_key(native))
    if isinstance(native, RSAPrivateKey) and native.key_size >= RSA_BITS:
        return _named("RS256", RSAKey.import_key(native))
    if isinstance(native, Ed25519PrivateKey):
        return _named("EdDSA", OKPKey.import_key(native))
    raise ValueError("must be an EC key on P-256, an RSA key of 2048 bits or more, or an Ed25519 key")


def _named(algorithm: str, key: ECKey | RSAKey | OKPKey) -> SigningKey:
    return SigningKey(key.thumbprint(), algorithm, key)
