"""Hashes of secrets that other servers have made: read in their spellings, kept in one, and verified."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

BCRYPT = re.compile(r"\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}")
BCRYPT_BYTES = 72
"""bcrypt reads no more of a secret; the server that has made the hash did not, either."""
MOST_BCRYPT_COST = 14
MOST_ITERATIONS = 2_000_000
MOST_ARGON2_KIB = 131_072
MOST_ARGON2_PASSES = 10
PBKDF2 = re.compile(r"\$pbkdf2-(sha1|sha256|sha512)\$i=(\d{1,7})\$([A-Za-z0-9+/]*)\$([A-Za-z0-9+/]+)")
"""The spelling in which PBKDF2 hashes are kept."""
SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_PHC = re.compile(r"\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d+)(?:,l=\d+)?\$([^$]*)\$([^$]+)")
_DJANGO = re.compile(r"pbkdf2_(sha1|sha256|sha512)\$(\d+)\$([^$]+)\$([^$]+)")
_WERKZEUG = re.compile(r"pbkdf2:(sha1|sha256|sha512):(\d+)\$([^$]+)\$([0-9a-fA-F]+)")
_SPRING = re.compile(r"\{([A-Za-z0-9@_.+-]+)\}(.*)", re.DOTALL)
_SPRING_HEX = re.compile(r"[0-9a-fA-F]{96}")
_SPRING_PBKDF2 = ("sha256", 310_000, 16)
"""What Spring Security's pbkdf2@SpringSecurity_v5_8 means: hash, iterations, bytes of salt."""
_OTHERS = re.compile(
    r"\$[a-z0-9-]{1,16}\$|(bcrypt|bcrypt_sha256|argon2|scrypt|md5|sha1|pbkdf2_\w+|unsalted_\w+)\$|"
    r"(pbkdf2|scrypt):"
)
"""What begins like this is a hash, whatever kind it is."""
_WITHOUT_BCRYPT = "is a bcrypt hash: these need the extra bcrypt (pip install 'gatepost[bcrypt]')"


def read_hash(text: str) -> str | bytes | None:
    """The hash that a text is: in the spelling in which it is kept, or the digest where it is a SHA-256.

    None: the text is no hash, and so the secret itself.

    Raises:
        ValueError: a hash that can't be used; the text says why.
    """
    found = next((kept for read in _SPELLINGS if (kept := read(text)) is not None), None)
    if found is None and _OTHERS.match(text):
        raise ValueError("is a hash of a kind that is not known here, or is malformed")
    return found


def is_slow_hash(text: str) -> bool:
    """Whether a text is a hash as `read_hash` gives it."""
    return bool(BCRYPT.fullmatch(text) or PBKDF2.fullmatch(text)) or text.startswith("$argon2")


def hash_matches(kept: str, secret: str) -> bool:
    """Whether `kept`, as `read_hash` has given it, is a hash of the secret. Takes up to a second."""
    given = secret.encode("utf-8", "surrogatepass")
    if (pbkdf2 := PBKDF2.fullmatch(kept)) is not None:
        value = _base64(pbkdf2[4])
        made = hashlib.pbkdf2_hmac(pbkdf2[1], given, _base64(pbkdf2[3]), int(pbkdf2[2]), len(value))
        return hmac.compare_digest(made, value)
    if BCRYPT.fullmatch(kept) is not None:
        return _bcrypt_matches(kept, given)
    # Slow to import, and most workers never need it.
    from argon2 import extract_parameters  # noqa: PLC0415
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415
    from argon2.low_level import verify_secret  # noqa: PLC0415

    try:
        return verify_secret(kept.encode(), given, extract_parameters(kept).type)
    except (VerificationError, InvalidHashError):
        return False


def _bcrypt_matches(kept: str, given: bytes) -> bool:
    import bcrypt  # noqa: PLC0415 (an extra)

    # NUL ends a secret in C: no server has made a hash of one.
    return b"\0" not in given and bool(bcrypt.checkpw(given[:BCRYPT_BYTES], kept.encode()))


def _plain_sha256(text: str) -> bytes | None:
    return _sha256(text.removeprefix("sha256:")) if text.startswith("sha256:") else None


def _sha256(digits: str) -> bytes:
    if not SHA256.fullmatch(digits):
        raise ValueError("must have 64 hexadecimal digits after sha256:")
    return bytes.fromhex(digits)


def _bcrypt(text: str) -> str | None:
    found = BCRYPT.fullmatch(text)
    if found is None:
        return None
    if find_spec("bcrypt") is None:
        raise ValueError(_WITHOUT_BCRYPT)
    if not 4 <= int(found[1]) <= MOST_BCRYPT_COST:  # noqa: PLR2004 (bcrypt's least)
        raise ValueError(f"is a bcrypt hash whose cost is not 4 to {MOST_BCRYPT_COST}")
    # 2y and 2x are PHP's names, 2 is the first one: the same function for what is no longer than 72 bytes.
    if text.startswith(("$2x$", "$2$")):
        raise ValueError("is a bcrypt hash of an early, faulty version ($2$, $2x$)")
    return "$2b$" + text[4:]


def _argon2(text: str) -> str | None:
    if not text.startswith(("$argon2id$", "$argon2i$")):
        return None
    from argon2 import extract_parameters  # noqa: PLC0415 (as below)
    from argon2.exceptions import InvalidHashError  # noqa: PLC0415

    try:
        found = extract_parameters(text)
    except InvalidHashError:
        raise ValueError("is a malformed Argon2 hash") from None
    if found.memory_cost > MOST_ARGON2_KIB or found.time_cost > MOST_ARGON2_PASSES:
        most = f"{MOST_ARGON2_KIB} KiB or {MOST_ARGON2_PASSES} passes"
        raise ValueError(f"is an Argon2 hash of more than {most}")
    return text


def _pbkdf2_in_text(text: str) -> str | None:
    for pattern, salt_of, value_of in (
        (_PHC, _base64, _base64),
        (_DJANGO, str.encode, _base64),
        (_WERKZEUG, str.encode, bytes.fromhex),
    ):
        if (found := pattern.fullmatch(text)) is not None:
            return _pbkdf2(found[1] or "sha1", int(found[2]), salt_of(found[3]), value_of(found[4]))
    return None


def _pbkdf2(name: str, iterations: int, salt: bytes, value: bytes) -> str:
    if not 1 <= iterations <= MOST_ITERATIONS:
        raise ValueError(f"is a PBKDF2 hash whose iterations are not 1 to {MOST_ITERATIONS}")
    if not 16 <= len(value) <= 64:  # noqa: PLR2004 (bytes: half a SHA-256 to a SHA-512)
        raise ValueError("is a PBKDF2 hash that has not 16 to 64 bytes")
    return f"$pbkdf2-{name}$i={iterations}${_unpadded(salt)}${_unpadded(value)}"


def _of_json(text: str) -> str | bytes | None:
    """Keycloak's credentials, and what WSO2 keeps of a client's secret."""
    if not text.startswith('{"'):
        return None
    try:
        members: dict[str, Any] = json.loads(text)
        for nested in ("credentialData", "secretData"):
            part = members.get(nested)
            members |= json.loads(part) if isinstance(part, str) else part or {}
        return _of_members(members)
    except (KeyError, TypeError, AttributeError, RecursionError, json.JSONDecodeError):
        raise ValueError("is JSON, and not a hash as Keycloak or WSO2 writes it") from None


def _of_members(members: Mapping[str, Any]) -> str | bytes:
    if str(members["algorithm"]).upper() in ("SHA-256", "SHA256"):
        return _sha256(members["hash"])
    name = str(members["algorithm"]).lower().removeprefix("pbkdf2").removeprefix("-") or "sha1"
    if name not in ("sha1", "sha256", "sha512"):
        raise ValueError(f"is a hash by {str(members['algorithm'])[:40]!r}, which is not known here")
    iterations, salt, value = members["hashIterations"], _base64(members["salt"]), _base64(members["value"])
    return _pbkdf2(name, int(iterations), salt, value)


def _of_spring(text: str) -> str | bytes | None:
    """What Spring Security's DelegatingPasswordEncoder writes: the encoder's name, and what it has made."""
    parts = _SPRING.fullmatch(text)
    if parts is None:
        return None
    name, rest = parts[1].lower(), parts[2]
    if name in ("bcrypt", "argon2", "argon2@springsecurity_v5_8"):
        found = read_hash(rest)
        if found is not None:
            return found
    if name == "pbkdf2@springsecurity_v5_8" and _SPRING_HEX.fullmatch(rest):
        kind, iterations, size = _SPRING_PBKDF2
        data = bytes.fromhex(rest)
        return _pbkdf2(kind, iterations, data[:size], data[size:])
    raise ValueError(f"is a hash by the encoder {name}, which is not known here, or is malformed")


def _base64(text: str) -> bytes:
    # passlib writes a dot for the plus sign; padding is left out in most spellings.
    plain = text.replace(".", "+").rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise ValueError("is a hash whose base64 is malformed") from None


def _unpadded(data: bytes) -> str:
    return b64encode(data).rstrip(b"=").decode()


_SPELLINGS = (_plain_sha256, _of_json, _of_spring, _bcrypt, _argon2, _pbkdf2_in_text)
