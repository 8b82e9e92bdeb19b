"""The signature algorithms, and the public keys that they take (RFC 7518, RFC 8037, RFC 9864)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""What clients may sign with (RFC 7518, RFC 8037, RFC 9864): asymmetric algorithms, and never `none`."""
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
EC = {
    "secp256r1": ("P-256", 32, "ES256"),
    "secp384r1": ("P-384", 48, "ES384"),
    "secp521r1": ("P-521", 66, "ES512"),
}
"""By the library's name of a curve: RFC 7518's, the octets of a coordinate, the algorithm."""
OKP = ("EdDSA", "Ed25519")
ALL_ALGORITHMS = (*RSA, *(algorithm for _, _, algorithm in EC.values()), *OKP)
"""What can be verified at all."""

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_DIGESTS = {"256": SHA256(), "384": SHA384(), "512": SHA512()}

Material = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def algorithms_of(material: Material) -> tuple[str, ...]:
    """The algorithms that a key can be for."""
    if isinstance(material, rsa.RSAPublicKey):
        return RSA
    return (EC[material.curve.name][2],) if isinstance(material, ec.EllipticCurvePublicKey) else OKP


def verify(material: Material, algorithm: str, message: bytes, signature: bytes) -> None:
    """Returns where the signature over the message was made with the key's private half.

    The algorithm is one of the key's. Raises InvalidSignature or ValueError.
    """
    if isinstance(material, ed25519.Ed25519PublicKey):
        material.verify(signature, message)
        return
    digest = _DIGESTS[algorithm[2:]]
    if isinstance(material, rsa.RSAPublicKey):
        pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
        material.verify(signature, message, padding.PKCS1v15() if algorithm[0] == "R" else pss, digest)
        return
    # RFC 7518 section 3.4: R and S, each as long as a coordinate, one behind the other.
    size = EC[material.curve.name][1]
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
    material.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))
