"""HTTP caching by RFC 9111, as a shared cache has it: what may be stored, for how long, and for whom."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime

from gateway.http.exchange import Header, Headers, header_values

Directives = Mapping[str, str | None]
"""Of one Cache-Control, by their names in lower case; None: without a value."""

# RFC 9110 section 5.6.1: members of a list; a comma inside a quoted string is none.
_MEMBER = re.compile(rb'(?:[^,"]++|"(?:[^"\\]++|\\.)*+"?)++')
_SECONDS = re.compile(r"[0-9]{1,10}")
_MOST = 2**31
"""RFC 9111 section 1.2.2: more seconds than this count as this."""
# RFC 9110 section 15.1. Not 206: parts of a response are not stored.
HEURISTICALLY_CACHEABLE = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
_NEVER_STORED = frozenset({206, 304, 416})
_FINAL = 200
# RFC 9111 section 3.2: they frame the message that they came with, or are of another body.
_NOT_UPDATED = frozenset(
    {b"content-length", b"content-encoding", b"content-type", b"content-range", b"transfer-encoding"}
)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response as it is kept."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
    requested: float
    """Seconds since the epoch: when it was asked for."""
    received: float
    """When its head came."""
    generation: str
    """That of its URI then: it is void under another one."""

    def to_bytes(self) -> bytes:
        """One line of JSON, and the body."""
        head = {
            "status": self.status,
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in self.headers],
            "requested": self.requested,
            "received": self.received,
            "generation": self.generation,
        }
        return json.dumps(head).encode() + b"\n" + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> StoredResponse:
        """What `to_bytes` made."""
        line, _, body = data.partition(b"\n")
        head = json.loads(line)
        headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in head["headers"])
        times = head["requested"], head["received"]
        return cls(head["status"], headers, body, *times, head["generation"])

    def value(self, name: bytes) -> bytes | None:
        """The first value of a header, given in lower case."""
        values = header_values(self.headers, name)
        return values[0] if values else None

    def age(self, now: float) -> float:
        """RFC 9111 section 4.2.3."""
        date = http_date(self.value(b"date"))
        apparent = max(0.0, self.received - date) if date is not None else 0.0
        corrected = (_seconds((self.value(b"age") or b"0").decode("latin-1")) or 0) + (
            self.received - self.requested
        )
        return max(apparent, corrected) + max(0.0, now - self.received)

    def lifetime(self, default: float) -> float:
        """RFC 9111 section 4.2.1. `default`: of responses that say nothing."""
        found = explicit_lifetime(self.headers, self.received)
        if found is not None:
            return found
        return default if self.status in HEURISTICALLY_CACHEABLE else 0

    @property
    def validators(self) -> Headers:
        """What asks the origin whether it still has this response (section 4.3.1)."""
        etag, modified = self.value(b"etag"), self.value(b"last-modified")
        found: Headers = [] if etag is None else [(b"If-None-Match", etag)]
        return found if modified is None else [*found, (b"If-Modified-Since", modified)]

    def updated(self, headers: Iterable[Header], requested: float, received: float) -> StoredResponse:
        """The response after the origin has said that it still holds (sections 3.2 and 4.3.4)."""
        new = [item for item in headers if item[0].lower() not in _NOT_UPDATED]
        names = {name.lower() for name, _ in new} | {b"age"}
        kept = [item for item in self.headers if item[0].lower() not in names]
        return replace(self, headers=(*kept, *new), requested=requested, received=received)


def directives(headers: Iterable[Header]) -> Directives:
    """What Cache-Control says (section 5.2). Of a directive that is given twice the first counts; where that
    is a number, the smallest."""
    found: dict[str, str | None] = {}
    for member in _MEMBER.findall(b",".join(header_values(headers, b"cache-control"))):
        name, given, value = member.decode("latin-1").partition("=")
        key, text = name.strip().lower(), value.strip().strip('"') if given else None
        if key in found and key in ("max-age", "s-maxage"):
            text = str(min(seconds_of(found[key]), seconds_of(text)))
            found[key] = text
        elif key:
            found.setdefault(key, text)
    return found


def seconds_of(value: str | None) -> int:
    """A number of seconds. What is none makes the response stale (section 4.2.1)."""
    found = _seconds(value)
    return 0 if found is None else found


def _seconds(value: str | None) -> int | None:
    return min(int(value), _MOST) if value is not None and _SECONDS.fullmatch(value) else None


def http_date(value: bytes | None) -> float | None:
    """Seconds since the epoch; None where it is no date."""
    if value is None:
        return None
    try:
        date = parsedate_to_datetime(value.decode("latin-1"))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None


def date_value(seconds: float) -> bytes:
    """Seconds since the epoch as a Date header has them."""
    return formatdate(seconds, usegmt=True).encode()


def explicit_lifetime(headers: Iterable[Header], received: float) -> float | None:
    """How long the origin lets the response count as fresh; None: it does not say (section 4.2.1)."""
    headers = tuple(headers)
    control = directives(headers)
    for name in ("s-maxage", "max-age"):
        if name in control:
            return seconds_of(control[name])
    expires = header_values(headers, b"expires")
    if not expires:
        return None
    end, dates = http_date(expires[0]), header_values(headers, b"date")
    date = http_date(dates[0]) if dates else None
    return 0 if end is None else max(0.0, end - (received if date is None else date))


def is_storable(request: Directives, status: int, headers: Iterable[Header]) -> bool:
    """Whether a response to GET may be stored (section 3). Those that set cookies are not, and `private` and
    `no-cache` count for the whole response, though they may name headers.
    """
    headers = tuple(headers)
    control = directives(headers)
    if "no-store" in request or "no-store" in control or "private" in control:
        return False
    if status < _FINAL or status in _NEVER_STORED:
        return False
    if header_values(headers, b"set-cookie") or b"*" in vary_names(headers):
        return False
    explicit = "public" in control or explicit_lifetime(headers, 0.0) is not None
    return explicit or status in HEURISTICALLY_CACHEABLE


def is_for_all(control: Directives, *, authorized: bool) -> bool:
    """Whether a response may be given to whoever asks, though callers may be told apart (section 3.5).

    `authorized`: it answers a request with Authorization. Only there `must-revalidate` says so, too.
    """
    says = {"public", "s-maxage", "must-revalidate"} if authorized else {"public", "s-maxage"}
    return not says.isdisjoint(control)


def vary_names(headers: Iterable[Header]) -> tuple[bytes, ...]:
    """The request headers that a response depends on, in lower case and sorted (section 4.1).

    One that is compressed depends on Accept-Encoding, though its origin may have forgotten to say so.
    """
    headers = tuple(headers)
    values = b",".join(header_values(headers, b"vary")).split(b",")
    coded = {b"accept-encoding"} if header_values(headers, b"content-encoding") else set()
    return tuple(sorted({value.strip().lower() for value in values} - {b""} | coded))


def vary_values(names: Iterable[bytes], *heads: Iterable[Header]) -> list[bytes]:
    """What the heads of a request have in these headers, with white space and lists made alike."""
    found = []
    for head in map(tuple, heads):
        for name in names:
            members = b",".join(header_values(head, name)).split(b",")
            found.append(b",".join(member.strip() for member in members))
    return found


def may_be_used(stored: StoredResponse, request: Directives, now: float, default: float) -> bool:
    """Whether it may be given out without asking the origin (sections 4.2 and 5.2)."""
    control = directives(stored.headers)
    if "no-cache" in control or "no-cache" in request:
        return False
    age, lifetime = stored.age(now), stored.lifetime(default)
    if "max-age" in request and age > seconds_of(request["max-age"]):
        return False
    left = lifetime - age
    if "min-fresh" in request and left < seconds_of(request["min-fresh"]):
        return False
    if left > 0:
        return True
    strict = {"must-revalidate", "proxy-revalidate", "s-maxage"}
    if "max-stale" not in request or not strict.isdisjoint(control):
        return False
    limit = request["max-stale"]
    return limit is None or -left <= seconds_of(limit)


def may_outlast_errors(
    stored: StoredResponse, request: Directives, now: float, default: float, most: float
) -> bool:
    """Whether a stale response may be given out where its origin fails (RFC 5861 section 4).

    `most`: how long beyond its end, where it does not say it itself.
    """
    control = directives(stored.headers)
    strict = {"must-revalidate", "proxy-revalidate", "s-maxage", "no-cache"}
    if not strict.isdisjoint(control) or "no-cache" in request:
        return False
    allowed = seconds_of(control["stale-if-error"]) if "stale-if-error" in control else most
    return stored.age(now) - stored.lifetime(default) <= allowed


def is_known(request: Iterable[Header], stored: StoredResponse) -> bool:
    """Whether the client says that it has this response already (section 4.3.2): it gets 304."""
    request = tuple(request)
    if stored.status != _FINAL:
        return False
    tags = header_values(request, b"if-none-match")
    if tags:
        etag = stored.value(b"etag")
        given = {tag.strip().removeprefix(b"W/") for tag in b",".join(tags).split(b",")}
        # RFC 9110 section 13.1.2: by weak comparison.
        return b"*" in given or (etag is not None and etag.removeprefix(b"W/") in given)
    since = header_values(request, b"if-modified-since")
    asked, modified = http_date(since[0] if since else None), http_date(stored.value(b"last-modified"))
    return asked is not None and modified is not None and modified <= asked
