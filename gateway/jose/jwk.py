"""Public keys as JSON Web Keys (RFC 7517): only those for signature algorithms that are supported."""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.jose.signatures import ALGORITHMS, CURVES, EC, OKP, RSA, Material, algorithms_of, verify

MAX_KEYS: Final = 16
"""Keys in one set: a signature without a `kid` is tried with each of them."""

_MIN_RSA_BITS: Final = 2048  # RFC 7518 section 3.3: a key of 2048 bits or larger MUST be used.
_MAX_RSA_BITS: Final = 8192
_MIN_EXPONENT: Final = 65537
_MAX_EXPONENT: Final = 2**32
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies signatures."""

    material: Material
    thumbprint: str
    """RFC 7638, SHA-256."""
    kid: str | None = None
    only: str | None = None
    """The `alg` of the JWK: the only algorithm that the key is for."""
    _algorithms: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """All algorithms that the key can be used with."""

    def __post_init__(self) -> None:
        # Once for the key, not once for each signature.
        served = [name for name in algorithms_of(self.material) if self.only in (None, name)]
        object.__setattr__(self, "_algorithms", tuple(served))

    def serves(self, algorithm: str) -> bool:
        """Whether the key can be used with this algorithm."""
        return algorithm in self._algorithms

    def verifies(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether the signature over the message is valid under this key."""
        if not self.serves(algorithm):
            return False
        try:
            return verify(self.material, algorithm, message, signature)
        except ValueError:
            return False


def read_jwks(members: Any) -> tuple[PublicKey, ...]:
    """The keys of a JWK Set. Keys for other uses are ignored (RFC 7517 section 5).

    Raises:
        ValueError: it is not a set of public keys, or none of them is supported; the text says what is wrong.
    """
    if not isinstance(members, Mapping) or not isinstance(members.get("keys"), list | tuple):
        raise ValueError("must be a JWK Set: an object with the list keys")
    given = members["keys"]
    if len(given) > MAX_KEYS:
        raise ValueError(f"must have at most {MAX_KEYS} keys")
    found = [key for number, one in enumerate(given) if (key := _numbered(one, number)) is not None]
    if not found:
        raise ValueError(f"must have a key for one of {', '.join(ALGORITHMS)}")
    return tuple(found)


def parse_jwks(text: str | bytes) -> tuple[PublicKey, ...]:
    """The keys of a JWK Set's text; ValueError as in `read_jwks`."""
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("must be JSON") from None
    return read_jwks(members)


def read_jwk(members: Any, algorithms: Sequence[str] = ALGORITHMS) -> PublicKey | None:
    """Reads one key. None where it is for another use, or for none of the algorithms.

    Raises:
        ValueError: it is malformed, too weak, or not public.
    """
    if not isinstance(members, Mapping):
        raise ValueError("must be an object")
    # RFC 9449 section 4.3: the JWK must not hold a private key.
    if not _PRIVATE.isdisjoint(members):
        raise ValueError("must be a public key: it has private members")
    operations = members.get("key_ops", ("verify",))
    if members.get("use", "sig") != "sig" or not isinstance(operations, list | tuple):
        return None
    served = _served(members.get("kty"), members.get("crv"))
    if "verify" not in operations or served.isdisjoint(algorithms):
        return None
    material = _material(members)
    return PublicKey(
        material, thumbprint(material), _text_or_none(members, "kid"), _text_or_none(members, "alg")
    )


def thumbprint(material: Material) -> str:
    """RFC 7638 section 3: the SHA-256 of the required members in their order, without white space."""
    required = json.dumps(public_members(material), sort_keys=True, separators=(",", ":"))
    return encode(sha256(required.encode()).digest())


def thumbprint_of(key: object) -> str | None:
    """The thumbprint of any key, such as a certificate's; None where its type is not supported."""
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1):
        return None
    return thumbprint(key) if isinstance(key, Material) else None


def public_members(material: Material) -> dict[str, str]:
    """The required members of a key's JWK (RFC 7518 section 6, RFC 8037 section 2)."""
    if isinstance(material, rsa.RSAPublicKey):
        numbers = material.public_numbers()
        return {"kty": "RSA", "n": _from_whole(numbers.n), "e": _from_whole(numbers.e)}
    if isinstance(material, ec.EllipticCurvePublicKey):
        name, size, _ = EC[material.curve.name]
        point = material.public_numbers()
        x, y = (encode(value.to_bytes(size, "big")) for value in (point.x, point.y))
        return {"kty": "EC", "crv": name, "x": x, "y": y}
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(material.public_bytes_raw())}


# With binascii alone: what `base64` adds takes several times as long for texts of this size.
_TO_URLSAFE: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URLSAFE: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING: Final = (b"", b"", b"==", b"=")
_LAST: Final = (None, "", "AQgw", "AEIMQUYcgkosw048")
"""By the characters behind the last four: those that end them, as the bits that say nothing must be 0."""


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return b2a_base64(data, newline=False).translate(_TO_URLSAFE).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Decodes base64url without padding. ValueError for any other encoding."""
    rest = len(text) % 4
    last = _LAST[rest]
    if last is not None and text[-1] not in last:
        raise ValueError("must be base64url without padding")
    data = text.encode("ascii").translate(_FROM_URLSAFE)
    return a2b_base64(data + _PADDING[rest], strict_mode=True)


def _numbered(members: Any, number: int) -> PublicKey | None:
    try:
        return read_jwk(members)
    except ValueError as error:
        raise ValueError(f"keys[{number}] {error}") from None


def _served(kind: object, curve: object) -> frozenset[str]:
    """The algorithms of a key type."""
    if kind == "RSA":
        return frozenset(RSA)
    if kind == "EC":
        return frozenset(algorithm for name, _, algorithm in EC.values() if name == curve)
    return frozenset(OKP if (kind, curve) == ("OKP", "Ed25519") else ())


def _material(members: Mapping[str, Any]) -> Material:
    """The key, of a supported type."""
    if members["kty"] == "RSA":
        return _rsa(_whole(members, "n"), _whole(members, "e"))
    if members["kty"] == "EC":
        return _point(_octets(members, "x"), _octets(members, "y"), CURVES[members["crv"]])
    return ed25519.Ed25519PublicKey.from_public_bytes(_octets(members, "x"))


def _point(x: bytes, y: bytes, curve: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    # RFC 7518 section 6.2.1.2: the length MUST be the full size of a coordinate.
    if {len(x), len(y)} != {EC[curve.name][1]}:
        raise ValueError("has a point of the wrong length")
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve)
    try:
        return numbers.public_key()
    except ValueError:
        raise ValueError("has a point that is not on the curve") from None


def _rsa(modulus: int, exponent: int) -> rsa.RSAPublicKey:
    if not _MIN_RSA_BITS <= modulus.bit_length() <= _MAX_RSA_BITS:
        raise ValueError(f"must have from {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits")
    if not _MIN_EXPONENT <= exponent < _MAX_EXPONENT:
        raise ValueError("has an unusual exponent")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _octets(members: Mapping[str, Any], name: str) -> bytes:
    value = members.get(name)
    if not isinstance(value, str) or not value.isascii():
        raise ValueError(f"lacks {name}")
    try:
        return decode(value)
    except ValueError:
        raise ValueError(f"has a {name} that is not base64url") from None


def _whole(members: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(_octets(members, name), "big")


def _from_whole(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text_or_none(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"has a {name} that is not text")
    return value
