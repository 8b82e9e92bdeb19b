"""Signed JSON in compact form (RFC 7515 section 3.1), parsed strictly."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.jose.jwk import PublicKey, decode
from gateway.jose.signatures import ALGORITHMS
from gateway.runtime.caches import MIB, cached, register

MAX_LENGTH = 8192
"""Characters."""
Members = dict[str, Any]


@dataclass(slots=True)
class Signed:
    """A JWT whose signature has not been verified: its claims cannot be trusted yet. Nobody changes it."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    message: bytes
    """The JWS signing input."""
    signature: bytes

    @property
    def algorithm(self) -> str:
        """One of the supported algorithms; never `none`, never HMAC."""
        return str(self.header["alg"])

    def text(self, name: str) -> str | None:
        """A claim that is a string; None where it is missing or is not one."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else None

    def time(self, name: str) -> float | None:
        """A claim that is a NumericDate (RFC 7519 section 2), in seconds since the epoch.

        Raises:
            ValueError: it is not a number.
        """
        value = self.claims.get(name)
        if value is None:
            return None
        if type(value) not in _NUMBERS or not _finite(value):
            raise ValueError(f"{name} is no time")
        return float(value)

    def verified_by(self, keys: Iterable[PublicKey]) -> bool:
        """Whether one of these keys verifies it. `jku`, `x5u` and `x5c` of its header are ignored."""
        return any(key.verifies(self.algorithm, self.message, self.signature) for key in keys)


def short_type(kind: object) -> str:
    """A `typ` as it is compared (RFC 7515 section 4.1.9): media types have no case, and `application/` may be
    left out. Empty where it is no text.
    """
    return kind.lower().removeprefix("application/") if isinstance(kind, str) else ""


def read_signed(text: str) -> Signed:
    """Parses a JWT.

    Raises:
        ValueError: it is malformed, or its algorithm or a critical extension is not supported.
    """
    header, claims, message, signature = read_parts(text)
    if header.get("alg") not in ALGORITHMS:
        raise ValueError("its algorithm is not allowed")
    # RFC 7515 section 4.1.11: a recipient that does not support a critical extension must reject the JWS.
    if "crit" in header:
        raise ValueError("it has a critical extension")
    return Signed(header, claims, message, signature)


def read_parts(text: str) -> tuple[Members, Members, bytes, bytes]:
    """Header, claims, signing input, and the signature, which is never empty.

    Raises:
        ValueError: it is too long, or not a JWS in compact serialization.
    """
    # RFC 7515 section 3.1: three parts, base64url without padding, which decoding holds them to.
    header, _, rest = text.partition(".")
    claims, _, signature = rest.partition(".")
    if len(text) > MAX_LENGTH or not (header and claims and signature) or "." in signature:
        raise ValueError("not a JWS in compact form")
    signed = text[: len(header) + 1 + len(claims)]
    return _read_header(header), read_members(claims), signed.encode("ascii"), decode(signature)


def read_members(part: str) -> Members:
    """The members of a header or of claims, as they stand in a JWS.

    Raises:
        ValueError: it is not base64url of a JSON object whose names are unique.
    """
    try:
        members = _parsed(decode(part).decode())
    except RecursionError:
        raise ValueError("too deep") from None
    if type(members) is not dict:
        raise ValueError("not an object")
    return members


_HEADERS = register("headers of JWTs", __name__, entries=256, key_bytes=512, total_bytes=3 * MIB)
_read_header = cached(_HEADERS)(read_members)
"""A header is that of many JWTs: it names the key. Nobody changes what it holds."""


def _no_constant(_: str) -> None:
    raise ValueError("not JSON")


def _once(pairs: list[tuple[str, Any]]) -> Members:
    """RFC 7515 section 4: names must be unique, else two parsers could read different values."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
_NUMBERS = (int, float)
"""What numbers are in JSON. A bool is none."""


def _parsed(text: str) -> Any:
    # What may stand around an object is white space, for which `decode` looks at length. Most often there
    # is none.
    if text.startswith("{"):
        value, end = _DECODER.raw_decode(text)
        if end == len(text):
            return value
    return _DECODER.decode(text)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
