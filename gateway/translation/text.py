"""Words in the language that is spoken at the moment. Outside of pages that is English: the source's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from gettext import NullTranslations

from gateway.translation.languages import ENGLISH, Language

IN_ENGLISH = NullTranslations()
_spoken: ContextVar[tuple[Language, NullTranslations]] = ContextVar("language", default=(ENGLISH, IN_ENGLISH))


@contextmanager
def speaking(language: Language, translations: NullTranslations) -> Iterator[None]:
    """Within it, words are in this language."""
    token = _spoken.set((language, translations))
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> Language:
    """The language that is spoken."""
    return _spoken.get()[0]


def translations() -> NullTranslations:
    """Its catalogue."""
    return _spoken.get()[1]


def gettext(message: str, /, **values: object) -> str:
    """A message in the language that is spoken, with `%(name)s` replaced by the values. `%%` is a `%`."""
    return translations().gettext(message) % values


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """The same, in the plural form of the number, which is `%(num)s` in the message."""
    return translations().ngettext(singular, plural, number) % {"num": number, **values}


def gettext_noop(message: str, /) -> str:
    """Marks a message that is translated where it is shown."""
    return message
