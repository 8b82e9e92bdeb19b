"""The signature algorithms, and the key types that they use (RFC 7518, RFC 8037, RFC 9864)."""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""The algorithms that clients may sign with (RFC 7518, RFC 8037, RFC 9864): asymmetric ones, never `none`."""
RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
EC: Final = {
    "secp256r1": ("P-256", 32, "ES256"),
    "secp384r1": ("P-384", 48, "ES384"),
    "secp521r1": ("P-521", 66, "ES512"),
}
"""By the library's name of a curve: the name in RFC 7518, the bytes of a coordinate, the algorithm."""
OKP: Final = ("EdDSA", "Ed25519")
ALL_ALGORITHMS: Final = (*RSA, *(algorithm for _, _, algorithm in EC.values()), *OKP)
"""All algorithms that can be verified."""

CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
Material = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def _of_digest(digest: hashes.HashAlgorithm, bits: int) -> dict[str, tuple[Any, ...]]:
    """How the library is told of the algorithms with this digest: what stands behind the message."""
    # RFC 7518 section 3.5: the salt is as long as the digest.
    pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
    return {
        f"RS{bits}": (padding.PKCS1v15(), digest),
        f"PS{bits}": (pss, digest),
        f"ES{bits}": (ec.ECDSA(digest),),
    }


_SCHEMES: Final[dict[str, tuple[Any, ...]]] = {
    **_of_digest(hashes.SHA256(), 256),
    **_of_digest(hashes.SHA384(), 384),
    **_of_digest(hashes.SHA512(), 512),
    **dict.fromkeys(OKP, ()),
}
_HALVES: Final = {algorithm: size for _, size, algorithm in EC.values()}
"""RFC 7518 section 3.4: an ECDSA signature is two numbers of so many bytes each."""


def algorithms_of(material: Material) -> tuple[str, ...]:
    """The algorithms that a key can be used with."""
    if isinstance(material, rsa.RSAPublicKey):
        return RSA
    return (EC[material.curve.name][2],) if isinstance(material, ec.EllipticCurvePublicKey) else OKP


def verify(material: Material, algorithm: str, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message is valid under the key, whose algorithm it must be."""
    half = _HALVES.get(algorithm)
    if half is not None:
        if len(signature) != 2 * half:
            return False
        signature = _dss_signature(signature[:half], signature[half:])
    key: Any = material
    try:
        key.verify(signature, message, *_SCHEMES[algorithm])
    except InvalidSignature:
        return False
    return True


_SHORT: Final = 0x7F
"""What a byte can say of which the first bit is 0."""


def _dss_signature(r: bytes, s: bytes) -> bytes:
    """The two numbers as the library takes them (RFC 3279 section 2.2.3), in DER."""
    numbers = _der_integer(r) + _der_integer(s)
    # X.690 section 8.1.3: behind 0x81 the length has a byte of its own. More than 255 these never are.
    return (b"\x30%c%s" if len(numbers) <= _SHORT else b"\x30\x81%c%s") % (len(numbers), numbers)


def _der_integer(number: bytes) -> bytes:
    # X.690 section 8.3: in as few bytes as there can be, the first bit of which is the sign.
    digits = number.lstrip(b"\0")
    if not digits or digits[0] > _SHORT:
        digits = b"\0" + digits
    return b"\x02%c%s" % (len(digits), digits)


def sign(private: Private, algorithm: str, message: bytes) -> bytes:
    """The signature over the message."""
    key: Any = private
    signature: bytes = key.sign(message, *_SCHEMES[algorithm])
    half = _HALVES.get(algorithm)
    if half is None:
        return signature
    return b"".join([number.to_bytes(half, "big") for number in decode_dss_signature(signature)])
