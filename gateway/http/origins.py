"""Origins of web pages, as browsers send them (RFC 6454), and patterns for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

ANY_LABEL = "://*."
# One label of a host name. No dot: a wildcard stands for one label, never for more.
_LABEL = re.compile(rb"[a-z0-9_-]{1,63}\Z")


class AllowedOrigins:
    """Origins, each exactly or by a pattern such as `https://*.example.org`."""

    def __init__(self, origins: Iterable[str]) -> None:
        listed = list(origins)
        self.exact = frozenset(origin.encode() for origin in listed if ANY_LABEL not in origin)
        self._patterns = [_ends(origin) for origin in listed if ANY_LABEL in origin]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.exact or self._patterns)

    def __contains__(self, origin: bytes) -> bool:
        """Whether it is one of them."""
        return origin in self.exact or any(_matches(origin, *ends) for ends in self._patterns)


NO_ORIGINS = AllowedOrigins(())


def _ends(pattern: str) -> tuple[bytes, bytes]:
    scheme, _, rest = pattern.encode().partition(ANY_LABEL.encode())
    return scheme + b"://", b"." + rest


def _matches(origin: bytes, start: bytes, end: bytes) -> bool:
    if not (origin.startswith(start) and origin.endswith(end)):
        return False
    return _LABEL.match(origin, len(start), len(origin) - len(end)) is not None
