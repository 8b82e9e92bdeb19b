"""What the proxy must change in a request's headers: its upstream sees what the gateway would send."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.http.exchange import Header
from gateway.http.header_names import is_framing

OF_PROXIES: Final = frozenset(
    {
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-prefix",
        b"x-forwarded-client-cert",
        b"max-forwards",
    }
)
"""What a proxy says itself of the way that the request has come, and what it alone may take away."""


@dataclass(frozen=True, slots=True)
class HeaderChanges:
    """Names are in lower case."""

    removed: tuple[bytes, ...]
    set: tuple[tuple[bytes, tuple[bytes, ...]], ...]
    """Names, each with all of its values."""


def header_changes(
    came: Iterable[Header], goes: Iterable[Header], kept: frozenset[bytes] = OF_PROXIES
) -> HeaderChanges:
    """The changes that make of the headers of a request those that go upstream.

    Args:
        came: the request's headers as the proxy has them.
        goes: those of the head that the gateway would send.
        kept: names, in lower case, of headers that are left to the proxy.
    """
    before, after = _by_name(came, kept), _by_name(goes, kept)
    return HeaderChanges(
        tuple(name for name in before if name not in after),
        tuple((name, values) for name, values in after.items() if before.get(name) != values),
    )


def _by_name(headers: Iterable[Header], kept: frozenset[bytes]) -> dict[bytes, tuple[bytes, ...]]:
    found: dict[bytes, tuple[bytes, ...]] = {}
    for name, value in headers:
        lower = name.lower()
        if lower not in kept and not is_framing(lower):
            found[lower] = (*found.get(lower, ()), value)
    return found
