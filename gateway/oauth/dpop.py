"""Proofs that a caller holds the key that its token is bound to (DPoP, RFC 9449)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

from gateway.jose.jwk import PublicKey, encode, read_jwk
from gateway.jose.jws import MAX_LENGTH, Signed, read_members, read_signed
from gateway.runtime.caches import MIB, cached, register

TYPE: Final = "dpop+jwt"
WINDOW: Final = 60
"""Seconds that a proof's `iat` may lie before or after now."""
REMEMBER: Final = 3 * WINDOW + 1
"""Whole seconds after which a used proof is refused by its age, also where a gateway's clock is behind."""
LONGEST_JTI: Final = 512
_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = re.compile("[A-Za-z0-9._~-]")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(slots=True)
class Proof:
    """A proof that is right, if its `jti` was not used before."""

    jkt: str
    """RFC 7638's thumbprint of the caller's key."""
    jti: str
    nonce: str | None


class ProofRefusal(Enum):
    """Why a proof is not taken (RFC 9449 sections 5 and 9)."""

    INVALID = "invalid_dpop_proof"
    NONCE = "use_dpop_nonce"


class ProofError(ValueError):
    """A proof is wrong; the text says why, and holds nothing secret."""


def judge_proof(
    headers: Sequence[bytes], *, method: str, uri: str, now: float, token: str | None = None
) -> Proof:
    """Checks a proof as RFC 9449 section 4.3 lists it, but for the nonce and whether its `jti` is new.

    `uri` is the request's, without query; `token` the access token that comes along, where one does.

    Raises:
        ProofError: it is missing, malformed, or made for another request.
    """
    try:
        signed, key = _read(headers)
        if key is None or not signed.verified_by([key]):
            raise ProofError("the signature is not by the key in it")
        _check_request(signed, method, uri, token)
        _check_time(signed, now)
    except ProofError:
        raise
    except ValueError as error:
        raise ProofError(f"the proof is malformed: {error}") from None
    jti = signed.text("jti")
    if not jti or len(jti) > LONGEST_JTI:
        raise ProofError("the proof has no usable jti")
    return Proof(key.thumbprint, jti, signed.text("nonce"))


def _read(headers: Sequence[bytes]) -> tuple[Signed, PublicKey | None]:
    # 1. There is not more than one DPoP HTTP request header field.
    if len(headers) != 1 or len(headers[0]) > MAX_LENGTH:
        raise ProofError("there is no DPoP header, more than one, or a very long one")
    # 2. to 5. A well-formed JWT with its claims, an asymmetric algorithm, not none.
    text = headers[0].decode("latin-1")
    signed = read_signed(text)
    if signed.header.get("typ") != TYPE:
        raise ProofError("typ is not dpop+jwt")
    # 6. and 7. The key in its header verifies it, and is a public one.
    return signed, _key_in(text.partition(".")[0])


_KEYS: Final = register("keys in DPoP proofs", __name__, entries=1024, key_bytes=1024, total_bytes=6 * MIB)


@cached(_KEYS)
def _key_in(header: str) -> PublicKey | None:
    """The key in a proof's header, as it stands in the proof: a client has the same in each.

    Raises:
        ValueError: it is not a public key, or a weak one.
    """
    return read_jwk(read_members(header).get("jwk"))


def _check_request(signed: Signed, method: str, uri: str, token: str | None) -> None:
    # 8. The htm claim matches the HTTP method of the current request.
    if signed.text("htm") != method:
        raise ProofError(f"htm is not {method}")
    # 9. The htu claim matches the HTTP URI of the request, ignoring any query and fragment parts.
    if (signed.text("htu") or "") != uri and comparable(signed.text("htu") or "") != comparable(uri):
        raise ProofError(f"htu is not {uri}")
    # 12. With an access token: ath equals its hash.
    if token is not None:
        expected = encode(sha256(token.encode("ascii")).digest())
        if not compare_digest((signed.text("ath") or "").encode("utf-8", "replace"), expected.encode()):
            raise ProofError("ath is not the token's hash")


def _check_time(signed: Signed, now: float) -> None:
    issued, ends, begins = signed.time("iat"), signed.time("exp"), signed.time("nbf")
    # 11. The creation time is within an acceptable window.
    if issued is None or abs(issued - now) > WINDOW:
        raise ProofError("iat is too far from now")
    if (ends is not None and now >= ends + WINDOW) or (begins is not None and begins > now + WINDOW):
        raise ProofError("the proof has expired, or is not valid yet")


def comparable(uri: str) -> str:
    """A URI as it is compared: RFC 3986 sections 6.2.2 and 6.2.3, without query and fragment.

    Raises:
        ValueError: it is no http or https URI.
    """
    if not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        raise ValueError("not a URI")
    parts = urlsplit(uri)
    host, scheme = parts.hostname, parts.scheme.lower()
    if scheme not in _PORTS or not host or "@" in parts.netloc:
        raise ValueError("not an http URI")
    port = parts.port or _PORTS[scheme]
    bracketed = f"[{host}]" if ":" in host else host
    return f"{scheme}://{bracketed}:{port}{_ESCAPE.sub(_escape, parts.path) or '/'}"


def _escape(match: re.Match[str]) -> str:
    """Section 6.2.2: digits in upper case, and no escape where none is needed."""
    char = unquote_to_bytes(match[0]).decode("latin-1")
    return char if _UNRESERVED.match(char) else match[0].upper()
