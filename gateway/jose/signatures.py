"""The signature algorithms, and the key types that they use (RFC 7518, RFC 8037, RFC 9864)."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""The algorithms that clients may sign with (RFC 7518, RFC 8037, RFC 9864): asymmetric ones, never `none`."""
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
EC = {
    "secp256r1": ("P-256", 32, "ES256"),
    "secp384r1": ("P-384", 48, "ES384"),
    "secp521r1": ("P-521", 66, "ES512"),
}
"""By the library's name of a curve: the name in RFC 7518, the bytes of a coordinate, the algorithm."""
OKP = ("EdDSA", "Ed25519")
ALL_ALGORITHMS = (*RSA, *(algorithm for _, _, algorithm in EC.values()), *OKP)
"""All algorithms that can be verified."""

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}

Material = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def algorithms_of(material: Material) -> tuple[str, ...]:
    """The algorithms that a key can be used with."""
    if isinstance(material, rsa.RSAPublicKey):
        return RSA
    return (EC[material.curve.name][2],) if isinstance(material, ec.EllipticCurvePublicKey) else OKP


def verify(material: Material, algorithm: str, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message is valid under the key.

    The algorithm must be one of the key's. Raises ValueError where the signature is malformed.
    """
    model, key = _jose(algorithm, material)
    return bool(model.verify(message, signature, key))


def sign(private: Private, algorithm: str, message: bytes) -> bytes:
    """The signature over the message."""
    model, key = _jose(algorithm, private)
    return bytes(model.sign(message, key))


def _jose(algorithm: str, material: Material | Private) -> tuple[Any, Any]:
    """The library's algorithm object, and the key in its form."""
    # Imported with the first signature: a start without one does not wait for it.
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    kinds: dict[str, Any] = {"RS": RSAKey, "PS": RSAKey, "ES": ECKey, "Ed": OKPKey}
    return JWSRegistry.algorithms[algorithm], kinds[algorithm[:2]](material, material)
