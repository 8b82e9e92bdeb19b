"""Catalogues are read, and what can't be shown of them is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.translation.catalogue import (
    CatalogueError,
    Catalogues,
    is_tag,
    languages,
    problems,
    translations,
)
from gateway.translation.languages import ENGLISH, Language

PLURAL = 'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'


def entry(message: str, text: str) -> bytes:
    return f'msgid "{message}"\nmsgstr "{text}"\n'.encode()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (entry("Hello %(name)s", "Salut %(name)s"), []),
        (entry("Hello %(name)s", ""), []),
        (entry("Hello %(name)s", "Salut"), ["line 1: the placeholders are none, but must be name"]),
        (entry("Hello", "Salut %(a)s"), ["line 1: the placeholders are a, but must be none"]),
        (
            entry("All of it", "100 % of it"),
            ["line 1: a % stands neither before another % nor in a placeholder such as %(name)s"],
        ),
        (entry("All of it", "100 %% of it"), []),
        (entry("Hello", "%(a.b)s"), ["line 1: a % stands neither"]),
        (
            (
                PLURAL + 'msgid "One"\nmsgid_plural "%(num)s of"\nmsgstr[0] "Un"\nmsgstr[1] "%(num)s"\n'
            ).encode(),
            [],
        ),
    ],
)
def test_placeholders_are_those_of_the_original(source: bytes, found: list[str]) -> None:
    for line, words in zip(problems(source), found, strict=True):
        assert words in line


def test_what_is_wrong_stays_english_and_later_catalogues_come_first() -> None:
    words = translations(
        [
            entry("One", "Eins") + entry("Two", "Zwei") + entry("%(a)s", "a"),
            entry("One", "Ein") + entry("Two", ""),
        ]
    )
    assert [words.gettext(one) for one in ("One", "Two", "%(a)s", "Three")] == [
        "Ein",
        "Zwei",
        "%(a)s",
        "Three",
    ]


def test_what_a_translator_has_not_confirmed_is_not_shown() -> None:
    assert translations([b"#, fuzzy\n" + entry("One", "Zwei")]).gettext("One") == "One"


@pytest.mark.parametrize(
    "source",
    [
        b"\xff\xfe",
        b"no catalogue",
        b'msgid ""\nmsgstr "Content-Type: text/plain; charset=none\\n"\n',
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(source: bytes) -> None:
    with pytest.raises(CatalogueError):
        translations([source])


def test_the_operators_words_replace_those_that_come_with_the_gateway(tmp_path: Path) -> None:
    (tmp_path / "de.po").write_bytes(entry("Language", "Mundart"))
    catalogues, german = Catalogues({"de": tmp_path / "de.po"}), Language("de", "Deutsch")
    assert catalogues.known(german) is None
    assert catalogues.read(german).gettext("Language") == "Mundart"
    assert catalogues.read(german).gettext("Page not found") == "Seite nicht gefunden"
    assert catalogues.known(german) is not None
    assert catalogues.known(ENGLISH) is not None
    with pytest.raises(OSError, match="No such file"):
        Catalogues({"fr": tmp_path / "fr.po"}).read(Language("fr", "Français"))


def test_the_languages_are_all_or_those_that_are_named() -> None:
    assert [one.tag for one in languages(None, [])] == ["en", "de", "he"]
    assert languages(["fr", "en"], ["fr"]) == (Language("fr", "Français"), ENGLISH)
    assert [one.tag for one in languages(None, ["fr", "de"])] == ["en", "de", "he", "fr"]


def test_a_language_is_called_as_the_standard_does() -> None:
    assert [one for one in ("de", "pt-BR", "zh-Hant", "xx", "DE", "de_AT", "../de", "") if is_tag(one)] == [
        "de",
        "pt-BR",
        "zh-Hant",
    ]
