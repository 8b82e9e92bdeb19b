"""Which workload's token is a client's: rules on the claims that its platform signs (RFC 7523 section 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gateway.oauth.scope import matches

SEPARATORS = re.compile("([/:])")
"""What `*` of a pattern never stands for: subjects and references are made of parts between them."""
WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """One claim and the value it must have."""

    name: str
    value: str
    pattern: bool = False
    """Whether `*` in the value stands for any characters but `/` and `:`."""

    def accepts(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claims have the value. A list, an object and null never do."""
        text = claim_text(claims.get(self.name))
        if text is None:
            return False
        return pattern_matches(self.value, text) if self.pattern else text == self.value

    def excludes(self, other: ClaimRule) -> bool:
        """Whether no token can have the value of both rules."""
        if self.name != other.name:
            return False
        if not other.pattern:
            return not self.accepts({other.name: other.value})
        if not self.pattern:
            return not other.accepts({self.name: self.value})
        return _patterns_exclude(self.value, other.value)


@dataclass(frozen=True, slots=True)
class Trust:
    """Tokens of one issuer that stand for one client."""

    issuer: str
    """The issuer's name in gateway.yaml."""
    audience: str
    """What `aud` must be, and nothing else beside it."""
    rules: tuple[ClaimRule, ...]
    """All of them must hold."""
    once: bool = False
    """Whether each token is accepted only once, and so at the token endpoint only."""

    def accepts(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claims of a verified token of the issuer are this client's."""
        # RFC 7523 section 3: a token for another audience must be rejected. One that is also for others could
        # be replayed here by any of them.
        if claims.get("aud") not in (self.audience, [self.audience]):
            return False
        return all(rule.accepts(claims) for rule in self.rules)

    def overlaps(self, other: Trust) -> bool:
        """Whether one token could match both."""
        if (self.issuer, self.audience) != (other.issuer, other.audience):
            return False
        return not any(mine.excludes(theirs) for mine in self.rules for theirs in other.rules)


def claim_text(value: object) -> str | None:
    """A claim as text. Some platforms write numbers and truth values as text: both are the same here."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) else None


def pattern_matches(pattern: str, text: str) -> bool:
    """Whether the whole text is one of the pattern's. Part by part, so that `*` never crosses `/` or `:`."""
    wanted, given = SEPARATORS.split(pattern), SEPARATORS.split(text)
    return len(wanted) == len(given) and all(map(_part_matches, wanted, given))


def _part_matches(pattern: str, part: str) -> bool:
    # An empty part is nobody's name: `repo:org/*` is not `repo:org/`.
    return matches(pattern, part) and bool(part or not pattern)


def _patterns_exclude(first: str, second: str) -> bool:
    """Whether two patterns surely have no text in common."""
    mine, others = SEPARATORS.split(first), SEPARATORS.split(second)
    return len(mine) != len(others) or any(map(_parts_exclude, mine, others))


def _parts_exclude(first: str, second: str) -> bool:
    if WILDCARD not in first or WILDCARD not in second:
        return not (_part_matches(first, second) or _part_matches(second, first))
    heads = sorted((first.partition(WILDCARD)[0], second.partition(WILDCARD)[0]), key=len)
    tails = sorted((first.rpartition(WILDCARD)[2], second.rpartition(WILDCARD)[2]), key=len)
    return not (heads[1].startswith(heads[0]) and tails[1].endswith(tails[0]))


def pattern_problem(text: str) -> str | None:
    """Why a pattern is useless or dangerous; None where it is neither."""
    if WILDCARD not in text:
        return "has no *: write the text itself in place of the pattern"
    if not any(char.isalnum() for char in text):
        return "has nothing but *: anybody would match"
    if any(a == b == WILDCARD for a, b in pairwise(text)):
        return "has ** in it: * stands for any characters but / and :, and nothing stands for those"
    return None
