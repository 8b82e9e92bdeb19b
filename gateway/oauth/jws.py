"""Signed JSON in compact form (RFC 7515 section 3.1), read strictly: what is unusual is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.jwk import ALGORITHMS, PublicKey, decode

LONGEST = 8192
"""Characters."""
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWT whose signature is still to be verified: nothing that it says is true yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    message: bytes
    """What is signed."""
    signature: bytes

    @property
    def algorithm(self) -> str:
        """One of those that are verified here; never `none`, never one with a shared secret."""
        return str(self.header["alg"])

    def text(self, name: str) -> str | None:
        """A claim that is text; None where it is not there or something else."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else None

    def time(self, name: str) -> float | None:
        """A claim that is a NumericDate (RFC 7519 section 2), in seconds since the epoch.

        Raises:
            ValueError: it is there, and something else.
        """
        value = self.claims.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            raise ValueError(f"{name} is no time")
        return float(value)

    def verified_by(self, keys: Iterable[PublicKey]) -> bool:
        """Whether one of these keys has signed it. `jku`, `x5u`, `x5c` of its header are not looked at."""
        return any(key.verifies(self.algorithm, self.message, self.signature) for key in keys)


def read_signed(text: str) -> Signed:
    """A JWT in its parts.

    Raises:
        ValueError: it is malformed, or of an algorithm or with an extension that is not known here.
    """
    if len(text) > LONGEST or not text.isascii():
        raise ValueError("too long, or not ASCII")
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise ValueError("not a JWS in compact form")
    header, claims = _members(decode(parts[0])), _members(decode(parts[1]))
    if header.get("alg") not in ALGORITHMS:
        raise ValueError("its algorithm is not allowed")
    # RFC 7515 section 4.1.11: whoever does not understand an extension that is critical must reject.
    if "crit" in header:
        raise ValueError("it has a critical extension")
    message = text[: len(parts[0]) + 1 + len(parts[1])].encode()
    return Signed(header, claims, message, decode(parts[2]))


def _members(data: bytes) -> dict[str, Any]:
    try:
        members = json.loads(data, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("too deep") from None
    if type(members) is not dict:
        raise ValueError("not an object")
    return members


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7515 section 4: names must be unique, or two readers could see two things."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
