"""Path templates: `/orders/{id}/items/{rest...}` matches a path, and `/v2/{id}` builds one.

`{name}` matches one whole segment, `{name...}` at the end matches all remaining segments, also none. Segments
are copied byte for byte, so that the built path means to the upstream what was validated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

_NAME = re.compile(r"\{([a-z][a-z0-9_]{0,31})(\.\.\.)?\}")
# RFC 3986 section 3.3: pchar without braces.
_LITERAL = re.compile(r"([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")
_DOTS = re.compile(r"(\.|%2e){1,2}(;.*)?", re.IGNORECASE)
_ENCODED_DELIMITER = re.compile(r"%(2f|5c|00)", re.IGNORECASE)
MAX_LENGTH = 2048


@dataclass(frozen=True, slots=True)
class TemplatePart:
    """One segment of a template."""

    text: bytes
    """The literal segment or the name."""
    is_name: bool
    takes_rest: bool = False


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A parsed template."""

    parts: tuple[TemplatePart, ...]

    @classmethod
    def parse(cls, text: str) -> PathTemplate:
        """Parses a template.

        Raises:
            ValueError: it is malformed, or no valid path could match it; the message says why.
        """
        if not text.startswith("/") or len(text) > MAX_LENGTH:
            raise ValueError("must begin with /")
        segments = text[1:].split("/") if text != "/" else []
        parts = tuple(_part(segment) for segment in segments)
        names = [part.text for part in parts if part.is_name]
        if len(set(names)) < len(names):
            raise ValueError("has a name in braces twice")
        if any(part.takes_rest for part in parts[:-1]):
            raise ValueError("can have a name with ... only at its end")
        return cls(parts)

    @property
    def names(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(part.text.decode() for part in self.parts if part.is_name)

    @property
    def literal_prefix(self) -> bytes:
        """The segments before the first name, each with its slash; empty where there is none."""
        literal = takewhile(lambda part: not part.is_name, self.parts)
        return b"".join(b"/" + part.text for part in literal)

    @property
    def rest(self) -> str | None:
        """The name of `{name...}`, if there is one."""
        last = self.parts[-1] if self.parts else None
        return last.text.decode() if last is not None and last.takes_rest else None

    def match(self, path: bytes) -> dict[bytes, bytes] | None:
        """The raw segments by name, or None if the path does not match."""
        segments = path[1:].split(b"/") if path != b"/" else []
        rest = bool(self.parts) and self.parts[-1].takes_rest
        fixed = len(self.parts) - rest
        if len(segments) < fixed or (not rest and len(segments) > fixed):
            return None
        found: dict[bytes, bytes] = {}
        for part, segment in zip(self.parts[:fixed], segments, strict=False):
            if part.is_name and segment:
                found[part.text] = segment
            elif part.text != segment:
                return None
        if rest:
            found[self.parts[-1].text] = b"/".join(segments[fixed:])
        return found

    def fill(self, values: Mapping[bytes, bytes]) -> bytes:
        """Builds the path. It never begins with `//`, which would be a network-path reference."""
        segments = [values[part.text] if part.is_name else part.text for part in self.parts]
        if self.parts and self.parts[-1].takes_rest and not segments[-1]:
            segments.pop()
        return b"/" + b"/".join(segments).lstrip(b"/")


def _part(segment: str) -> TemplatePart:
    name = _NAME.fullmatch(segment)
    if name is not None:
        return TemplatePart(name[1].encode(), is_name=True, takes_rest=name[2] is not None)
    if "{" in segment or "}" in segment:
        raise ValueError("has braces that are not a whole segment: {name}, or {name...} at the end")
    if not segment:
        raise ValueError("must not have // or a / at its end")
    if not _LITERAL.fullmatch(segment):
        raise ValueError("must be a URL path; other characters go percent-encoded")
    if _DOTS.fullmatch(segment) or _ENCODED_DELIMITER.search(segment):
        raise ValueError(r"must not have . or .. as a segment, nor an encoded /, \ or NUL")
    return TemplatePart(segment.encode(), is_name=False)
