"""Which scopes a token gets (RFC 6749 section 3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.oauth.errors import OAuthError
from gateway.runtime.caches import MIB, cached, register
from gateway.translation.text import gettext_noop

_PARSED: Final = register("scope parameters", __name__, entries=512, key_bytes=512, total_bytes=12 * MIB)
# scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")


def is_scope(text: str) -> bool:
    """Whether `text` is one scope token of RFC 6749 section 3.3."""
    return _SCOPE.match(text) is not None


@cached(_PARSED)
def parse_scope(text: str) -> tuple[str, ...]:
    """The scopes of a `scope` parameter, each once, in their order.

    Further spaces, at its ends or between, are forgiven: clients join lists of which one is empty.

    Raises:
        OAuthError: `invalid_scope` where it is not a list of scope tokens with spaces between.
    """
    scopes = [scope for scope in text.split(" ") if scope]
    if not scopes or not all(is_scope(scope) for scope in scopes):
        raise OAuthError("invalid_scope", gettext_noop("The scope is malformed."))
    return unique(scopes)


def unique(scopes: Iterable[str]) -> tuple[str, ...]:
    """`scopes`, each once, in their order."""
    return tuple(dict.fromkeys(scopes))


def matches(pattern: str, scope: str) -> bool:
    """Whether a scope is one of a pattern's: `*` stands for any characters, also none; upper case is not
    lower case. Takes no more than the product of both lengths, whatever the pattern.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return scope == pattern
    *middle, last = rest
    if not scope.startswith(first) or len(scope) < len(first) + len(last) or not scope.endswith(last):
        return False
    place, end = len(first), len(scope) - len(last)
    for part in middle:
        found = scope.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """What gateway.yaml says about scopes."""

    default: tuple[str, ...] = ("default",)
    """Given where a request names none; every client may name them too."""
    application: str | None = "am_application_scope"
    """Added to every token of the client's own (client credentials)."""
    allowed: tuple[str, ...] = ()
    """Patterns of scopes that any client may ask for: `*` stands for any characters."""

    def granted(
        self, requested: str | None, allowed: Iterable[str], default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """The scopes that a client gets for what it asked.

        `default` is what this client gets where it names none; None: as every other client.

        Raises:
            OAuthError: `invalid_scope` where it asks for one that it may not have. Nothing is dropped
                in silence.
        """
        if requested is None:
            return self.default if default is None else default
        asked = parse_scope(requested)
        may = {*allowed, *self.default}
        if self.application is not None:
            may.add(self.application)
        if not all(scope in may or self.is_open(scope) for scope in asked):
            raise OAuthError("invalid_scope", gettext_noop("The client may not have one of these scopes."))
        return asked

    def is_open(self, scope: str) -> bool:
        """Whether any client may ask for this scope."""
        return any(matches(pattern, scope) for pattern in self.allowed)

    def with_application(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """`scopes` behind the application scope, where there is one."""
        return unique(scopes if self.application is None else (self.application, *scopes))
