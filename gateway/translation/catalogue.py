"""Catalogues of translations: gettext's .po files, the shipped ones and the operator's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from gateway.translation.languages import ENGLISH, SHIPPED, TAG, Language
from gateway.translation.text import IN_ENGLISH

LARGEST = 2 * 1024 * 1024
"""Bytes of a catalogue."""
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")


class CatalogueError(Exception):
    """A file is no catalogue. Says why."""


def shipped(tag: str) -> bytes | None:
    """The catalogue that comes with the gateway; None: there is none of this language."""
    file = files("gateway.translation").joinpath("catalogues", f"{tag}.po")
    return file.read_bytes() if file.is_file() else None


def languages(tags: Sequence[str] | None, own: Iterable[str]) -> tuple[Language, ...]:
    """The languages of these tags, in their order; without tags all, English first. `own`: of the operator's
    catalogues.
    """
    known = {one.tag: one for one in SHIPPED}
    all_tags = (*known, *(tag for tag in sorted(own) if tag not in known)) if tags is None else tags
    return tuple(known.get(tag) or Language(tag, _own_name(tag)) for tag in all_tags)


def is_tag(text: str) -> bool:
    """Whether it is a language that can be asked for."""
    if not TAG.fullmatch(text):
        return False
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 (large, and of no use for English)

    try:
        Locale.parse(text, sep="-")
    except (UnknownLocaleError, ValueError):
        return False
    return True


def translations(sources: Iterable[bytes]) -> NullTranslations:
    """The translations of one language; later sources come before earlier ones. Raises CatalogueError.

    What none of them has stays English, and so does what `wrong_entries` finds.
    """
    found: NullTranslations = IN_ENGLISH
    for source in sources:
        catalogue = _parsed(source)
        for message, _ in wrong_entries(catalogue):
            message.string = ""
        newer = _compiled(catalogue)
        newer.add_fallback(found)
        found = newer
    return found


def problems(source: bytes) -> list[str]:
    """What is wrong with a catalogue's translations. Raises CatalogueError."""
    catalogue = _parsed(source)
    _compiled(catalogue)
    return [f"line {message.lineno}: {why}" for message, why in wrong_entries(catalogue)]


def wrong_entries(catalogue: Any) -> Iterator[tuple[Any, str]]:
    """Translations that can't be shown, and why."""
    for message in catalogue:
        if not message.id:
            continue
        originals = message.id if isinstance(message.id, tuple | list) else (message.id,)
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        wanted = _placeholders(originals[-1])
        for text in filter(None, texts):
            if (given := _placeholders(text)) is None:
                yield message, "a % stands neither before another % nor in a placeholder such as %(name)s"
                break
            # One is often written out: "one key" beside "%(num)s keys".
            if given != wanted and not (len(originals) > 1 and given == (wanted or set()) - {"num"}):
                yield message, f"the placeholders are {_listed(given)}, but must be {_listed(wanted)}"
                break


def _placeholders(text: str) -> set[str] | None:
    """The names of a message's placeholders; None: it can't be formatted."""
    if "%" in _PLACEHOLDER.sub("", text):
        return None
    return {match[1] for match in _PLACEHOLDER.finditer(text) if match[1]}


def _listed(names: set[str] | None) -> str:
    return ", ".join(sorted(names or ())) or "none"


def _parsed(source: bytes) -> Any:
    from babel.messages.pofile import PoFileError, read_po  # noqa: PLC0415 (as above)

    try:
        return read_po(BytesIO(source), abort_invalid=True)
    except (PoFileError, UnicodeDecodeError, ValueError, LookupError, AttributeError) as error:
        raise CatalogueError(str(error) or type(error).__name__) from error


def _compiled(catalogue: Any) -> GNUTranslations:
    from babel.messages.mofile import write_mo  # noqa: PLC0415 (as above)

    file = BytesIO()
    try:
        write_mo(file, catalogue)
        file.seek(0)
        return GNUTranslations(file)
    except (ValueError, OSError, UnicodeDecodeError, LookupError) as error:
        raise CatalogueError(str(error)) from error


def _own_name(tag: str) -> str:
    from babel import Locale  # noqa: PLC0415 (as above)

    name = Locale.parse(tag, sep="-").get_display_name()
    return name[:1].upper() + name[1:] if name else tag


class Catalogues:
    """The translations of the languages that are offered, each read when it is first asked for."""

    def __init__(self, own: Mapping[str, Path] | None = None) -> None:
        self._own = own or {}
        self._read: dict[str, NullTranslations] = (
            {ENGLISH.tag: IN_ENGLISH} if ENGLISH.tag not in self._own else {}
        )

    def known(self, language: Language) -> NullTranslations | None:
        """Those that have been read."""
        return self._read.get(language.tag)

    def read(self, language: Language) -> NullTranslations:
        """Reads them: blocks for as long as that takes. Raises OSError and CatalogueError."""
        ours = shipped(language.tag)
        own = self._own.get(language.tag)
        sources = [ours] if ours is not None else []
        sources += [own.read_bytes()] if own is not None else []
        self._read[language.tag] = found = translations(sources)
        return found
