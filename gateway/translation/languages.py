"""Which languages there are, and which of them a request gets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
"""A language as BCP 47 (RFC 5646) writes it: `de`, `pt-BR`, `zh-Hant`."""
MOST_ASKED = 50
"""Ranges of an Accept-Language that are read; browsers send a handful."""
_FROM_RIGHT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_RANGE = re.compile(
    r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}|\*)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)


@dataclass(frozen=True, slots=True)
class Language:
    """A language that pages can be read in."""

    tag: str
    name: str
    """What its speakers call it."""

    @property
    def direction(self) -> str:
        """As HTML's `dir` has it."""
        return "rtl" if self.tag.partition("-")[0] in _FROM_RIGHT else "ltr"


ENGLISH = Language("en", "English")
SHIPPED = (ENGLISH, Language("de", "Deutsch"), Language("he", "עברית"))


def choose(offered: Sequence[Language], chosen: str, accepted: str) -> Language:
    """The language of a page: what the reader has chosen, else what the browser asks for (RFC 9110 section
    12.5.4), else the first that is offered.
    """
    by_tag = {one.tag.lower(): one for one in offered}
    if (explicit := by_tag.get(chosen.lower())) is not None:
        return explicit
    for wanted in _ranges(accepted):
        if wanted == "*":
            break
        if (found := _lookup(by_tag, wanted)) is not None:
            return found
    return offered[0]


def _ranges(accepted: str) -> list[str]:
    """The ranges of an Accept-Language, the preferred one first. What can't be read counts for nothing."""
    parts = (_RANGE.fullmatch(text.strip()) for text in accepted.split(",", MOST_ASKED)[:MOST_ASKED])
    found = [(float(match[2] or 1), match[1].lower()) for match in parts if match is not None]
    return [wanted for quality, wanted in sorted(found, key=lambda one: -one[0]) if quality > 0]


def _lookup(by_tag: dict[str, Language], wanted: str) -> Language | None:
    """RFC 4647 section 3.4: `de-AT` gets `de`."""
    while wanted:
        if wanted in by_tag:
            return by_tag[wanted]
        wanted = wanted.rpartition("-")[0]
    return None
