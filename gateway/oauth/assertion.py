"""Clients that sign who they are: private_key_jwt (RFC 7523 section 3, OpenID Connect Core section 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.jose.jwk import PublicKey
from gateway.jose.jws import Signed, read_signed, short_type

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW: Final = 60
"""Seconds that the clocks of client and gateway may differ."""
LONGEST_LIFE: Final = 3600
"""Seconds from now that an assertion may end in: as long its `jti` is remembered."""
LONGEST_JTI: Final = 512
_TYPES: Final = ("jwt", "client-authentication+jwt")


@dataclass(slots=True)
class Assertion:
    """A client's assertion that is right, if its `jti` was not used before."""

    jti: str
    remember: int
    """Whole seconds after which it is refused by its own end."""


def read_assertion(text: str) -> Signed | None:
    """An assertion that is yet to be judged; None where it is malformed."""
    try:
        return read_signed(text)
    except ValueError:
        return None


def assertion_client(signed: Signed) -> str | None:
    """The client that an assertion says it is from, which is yet to be proven; None where it names none."""
    # RFC 7523 section 3: for client authentication, iss and sub must both be the client_id.
    issuer, subject = signed.text("iss"), signed.text("sub")
    return subject if subject and subject == issuer else None


def judge_assertion(
    signed: Signed, client_id: str, keys: Sequence[PublicKey], audiences: Sequence[str], now: float
) -> Assertion | str:
    """The assertion, or the reason why it is wrong: for the log, never for the caller."""
    try:
        wrong = _wrong_claims(signed, client_id, audiences) or _wrong_times(signed, now)
    except ValueError as error:
        return f"the assertion is malformed: {error}"
    if wrong is not None:
        return wrong
    if not signed.verified_by(_candidates(keys, signed.header.get("kid"))):
        return "the assertion's signature is not by a key of the client"
    ends = signed.time("exp") or now
    # Clocks of gateways may differ, too: one that is behind takes it for longer.
    return Assertion(signed.text("jti") or "", int(ends + 2 * SKEW - now) + 1)


def _wrong_claims(signed: Signed, client_id: str, audiences: Sequence[str]) -> str | None:
    kind = signed.header.get("typ")
    if kind is not None and short_type(kind) not in _TYPES:
        return "the assertion is a JWT of another type"
    if signed.text("iss") != client_id or signed.text("sub") != client_id:
        return "iss and sub of the assertion are not the client"
    if not _only(signed.claims.get("aud"), audiences):
        return f"aud of the assertion is not {' or '.join(audiences)} alone"
    jti = signed.text("jti")
    if not jti or len(jti) > LONGEST_JTI:
        return "the assertion has no usable jti"
    return None


def _wrong_times(signed: Signed, now: float) -> str | None:
    ends, begins, issued = signed.time("exp"), signed.time("nbf"), signed.time("iat")
    if ends is None or now >= ends + SKEW:
        return "the assertion has expired, or has no end"
    if ends > now + LONGEST_LIFE + SKEW:
        return "the assertion lives too long"
    latest = now + SKEW
    if (begins is not None and begins > latest) or (issued is not None and issued > latest):
        return "the assertion is from the future"
    return None


def _only(given: Any, audiences: Sequence[str]) -> bool:
    # RFC 7523bis: the issuer must be the sole audience, else an assertion made for another server could be
    # replayed here. The token endpoint's URL is taken only from clients that are known to send it.
    return any(given in (audience, [audience]) for audience in audiences)


def _candidates(keys: Sequence[PublicKey], kid: Any) -> Sequence[PublicKey]:
    """The key that the assertion names; without a name, or where keys have none, those few that there are."""
    if kid is None:
        return keys
    return [key for key in keys if key.kid == kid] or [key for key in keys if key.kid is None]
