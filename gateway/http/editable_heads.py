"""The heads of a proxied request that plugins change: what goes upstream, and what came back.

Header names and values are the bytes that came over the wire, in their order: what is not touched by a
rule leaves as it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Header = tuple[bytes, bytes]
Headers = list[Header]


def header_values(headers: Iterable[Header], name: bytes) -> list[bytes]:
    """All values of the header `name` (given in lower case), in their order."""
    return [value for key, value in headers if key.lower() == name]


def is_event_stream(headers: Iterable[Header]) -> bool:
    """Whether a response with these headers is one of server-sent events (HTML section 9.2)."""
    types = header_values(headers, b"content-type")
    return bool(types) and types[0].partition(b";")[0].strip().lower() == b"text/event-stream"


URL_HEADERS = frozenset({b"location", b"content-location", b"refresh", b"set-cookie"})
"""Names in lower case of response headers that hold URLs of the upstream's, or cookies with a path.

They are rewritten by `gateway.http.public_urls`."""


class EditableHeaders:
    """What plugins can do with the headers of a head."""

    __slots__ = ()
    headers: Headers

    def values(self, name: bytes) -> list[bytes]:
        """All values of the header `name` (given in lower case), in their order."""
        return header_values(self.headers, name)

    def add(self, name: bytes, value: bytes) -> None:
        """Adds a header behind all others."""
        self.headers.append((name, value))

    def set(self, name: str, value: str) -> None:
        """Sets a header, in place of all others of that name."""
        self.remove(name)
        self.headers.append((name.encode("latin-1"), value.encode("latin-1")))

    def remove(self, name: str) -> None:
        """Removes every header of that name."""
        lower = name.lower().encode("latin-1")
        kept = [item for item in self.headers if item[0].lower() != lower]
        self.headers = kept  # type: ignore[misc]  # the slot is the subclass's


@dataclass(slots=True)
class ForwardHead(EditableHeaders):
    """The head that goes upstream. Plugins change it in `on_forward`."""

    method: str
    target: bytes
    headers: Headers


@dataclass(slots=True)
class ResponseHead(EditableHeaders):
    """The head that came back from the upstream. Plugins change it in `on_response`."""

    status: int
    reason: bytes
    headers: Headers
    version: tuple[int, int] = (1, 1)

    @property
    def has_urls(self) -> bool:
        """Whether it has headers that `gateway.http.public_urls` may rewrite."""
        return any(name.lower() in URL_HEADERS for name, _ in self.headers)

    @property
    def is_event_stream(self) -> bool:
        """Whether its body is a stream of events."""
        return is_event_stream(self.headers)
