"""The schemes of `hmac`: where a request has its signatures, and what they are of."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.plugin import RequestHead

ENDLESS = 7 * 86400
"""Seconds for which a signature without a timestamp is remembered."""
MOST = 16
"""Signatures of a request that are looked at: senders with several secrets send some."""
_DIGITS = 12
_WHSEC = "whsec_"


class BadSignature(Exception):  # noqa: N818 (what the request has)
    """The request is not signed as it must be. The text is for operators."""


def key_of(secret: str) -> bytes:
    """The key that a secret stands for: `whsec_` and base64 (Standard Webhooks), or its bytes. ValueError."""
    if secret.startswith(_WHSEC):
        return base64.b64decode(secret.removeprefix(_WHSEC), validate=True)
    return secret.encode()


@dataclass(frozen=True, slots=True)
class SignedContent:
    """What a request shows."""

    content: bytes
    """What is signed."""
    signatures: tuple[bytes, ...]
    algorithm: str = "sha256"
    timestamp: int | None = None
    """Seconds since the epoch; None: the scheme has none."""

    def verify(self, keys: Sequence[bytes]) -> None:
        """Raises BadSignature unless one of the keys made one of the signatures."""
        valid = False
        for key in keys:
            made = hmac.digest(key, self.content, self.algorithm)
            for signature in self.signatures[:MOST]:
                # All are compared, each in constant time.
                valid |= hmac.compare_digest(made, signature)
        if not valid:
            raise BadSignature("no signature was made with one of the secrets")

    def check_time(self, now: float, tolerance: int) -> None:
        """Raises BadSignature for what was signed long ago, or will be."""
        if self.timestamp is None or abs(now - self.timestamp) > tolerance:
            raise BadSignature("the timestamp is too far from now")

    @property
    def name(self) -> str:
        """What it is known by after it has been let in. Who repeats it can't change this."""
        return hashlib.sha256(self.content).hexdigest()


class Scheme(Protocol):
    """One way of signing requests."""

    @property
    def has_timestamp(self) -> bool:
        """Whether the time of signing is signed, too."""

    def read(self, request: RequestHead, body: bytes) -> SignedContent:
        """What the request shows. Raises BadSignature."""


class StandardWebhooks:
    """https://www.standardwebhooks.com: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

    has_timestamp = True

    def read(self, request: RequestHead, body: bytes) -> SignedContent:
        """`v1,` and base64 of the HMAC of id, timestamp and body; several are separated by spaces."""
        message, timestamp = _one(request, "webhook-id"), _one(request, "webhook-timestamp")
        given = _one(request, "webhook-signature").split(b" ")
        signatures = [one.removeprefix(b"v1,") for one in given if one.startswith(b"v1,")]
        content = b".".join((message, timestamp, body))
        return SignedContent(content, tuple(_decoded(signatures, "base64")), timestamp=_seconds(timestamp))


class GitHub:
    """`X-Hub-Signature-256`: the HMAC of the body."""

    has_timestamp = False

    def read(self, request: RequestHead, body: bytes) -> SignedContent:
        """`sha256=` and hexadecimal digits."""
        given = _one(request, "x-hub-signature-256")
        if not given.startswith(b"sha256="):
            raise BadSignature("X-Hub-Signature-256 does not begin with sha256=")
        return SignedContent(body, tuple(_decoded([given.removeprefix(b"sha256=")], "hex")))


class Stripe:
    """`Stripe-Signature: t=…,v1=…`: the HMAC of timestamp and body."""

    has_timestamp = True

    def read(self, request: RequestHead, body: bytes) -> SignedContent:
        """Several `v1` may stand there; other versions are not looked at."""
        parts = [part.strip().partition(b"=") for part in _one(request, "stripe-signature").split(b",")]
        times = [value for name, _, value in parts if name == b"t"]
        if len(times) != 1:
            raise BadSignature("Stripe-Signature must have one t")
        signatures = [value for name, _, value in parts if name == b"v1"]
        content = times[0] + b"." + body
        return SignedContent(content, tuple(_decoded(signatures, "hex")), timestamp=_seconds(times[0]))


@dataclass(frozen=True, slots=True)
class GenericScheme:
    """A signature in a header of its own, of what `content` says."""

    header: str
    prefix: str
    algorithm: str
    encoding: str
    content: str
    timestamp: str | None
    id: str | None

    @property
    def has_timestamp(self) -> bool:
        """Whether a header with it is configured."""
        return self.timestamp is not None

    def read(self, request: RequestHead, body: bytes) -> SignedContent:
        """What the headers have."""
        given, prefix = _one(request, self.header), self.prefix.encode("latin-1")
        if not given.startswith(prefix):
            raise BadSignature(f"{self.header} does not begin as it should")
        timestamp = b"" if self.timestamp is None else _one(request, self.timestamp)
        parts = {
            "id": "" if self.id is None else _one(request, self.id).decode("latin-1"),
            "timestamp": timestamp.decode("latin-1"),
            "method": request.method,
            "target": request.target.decode("latin-1"),
        }
        before, _, after = self.content.partition("{body}")
        content = before.format(**parts).encode("latin-1") + body + after.format(**parts).encode("latin-1")
        signatures = tuple(_decoded([given.removeprefix(prefix)], self.encoding))
        time = None if self.timestamp is None else _seconds(timestamp)
        return SignedContent(content, signatures, self.algorithm, time)


def sign_standard(key: bytes, message: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    made = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, "sha256")
    return "v1," + base64.b64encode(made).decode()


def _one(request: RequestHead, name: str) -> bytes:
    values = request.values(name.lower().encode("latin-1"))
    if len(values) != 1 or not values[0]:
        raise BadSignature(f"there must be one {name}")
    return values[0]


def _seconds(value: bytes) -> int:
    if not value.isdigit() or len(value) > _DIGITS:
        raise BadSignature("the timestamp is no number of seconds")
    return int(value)


def _decoded(signatures: Sequence[bytes], encoding: str) -> Iterator[bytes]:
    """Those that can be read; another one is not valid."""
    for signature in signatures:
        try:
            if encoding == "hex":
                yield bytes.fromhex(signature.decode("ascii"))
            else:
                yield base64.b64decode(signature, validate=True)
        except ValueError:
            continue
