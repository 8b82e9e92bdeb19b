"""`portal.languages` have catalogues, and `portal.catalogues` can be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.example import problems

GOOD = b'msgid "Language"\nmsgstr "Langue"\n'


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("fr.po", None, "there is no such file"),
        ("fr.po", b"\xff\xfe", "is no catalogue: "),
        ("fr.po", b'msgid "%(a)s"\nmsgstr "a"\n', "line 1: the placeholders are none, but must be a"),
        ("fr.po", b"#" * (2 * 1024 * 1024 + 1), "is larger than 2 MiB"),
        ("words.po", GOOD, "must be named as its language is, such as fr.po or pt-BR.po"),
        ("fr.txt", GOOD, "must be named as its language is, such as fr.po or pt-BR.po"),
        ("fr.po", GOOD, ""),
        ("de.po", GOOD, ""),
    ],
)
def test_a_catalogue_is_a_file_of_one_language(
    tmp_path: Path, name: str, data: bytes | None, words: str
) -> None:
    file = tmp_path / name
    if data is not None:
        file.write_bytes(data)
    found = problems(f"portal:\n  catalogues: ['{file}']\n")
    assert len(found) == (1 if words else 0)
    for line in found:
        assert line.startswith(f"2:16: portal.catalogues[0]: {words}")


def test_languages_have_a_catalogue_and_are_there_once(tmp_path: Path) -> None:
    (tmp_path / "fr.po").write_bytes(GOOD)
    assert problems(f"portal:\n  languages: [fr, en]\n  catalogues: ['{tmp_path}/fr.po']\n") == []
    (twice,) = problems("portal:\n  languages: [de, de]\n")
    assert "portal.languages[1]: is there twice" in twice
    (unknown,) = problems("portal:\n  languages: [fr]\n")
    assert "portal.languages[0]: there is no catalogue of this language: name its file" in unknown
    (none,) = problems("portal:\n  languages: []\n")
    assert "portal.languages: must have a language" in none


def test_each_language_has_one_catalogue(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for folder in (tmp_path, tmp_path / "more"):
        (folder / "fr.po").write_bytes(GOOD)
    (found,) = problems(f"portal:\n  catalogues: ['{tmp_path}/fr.po', '{tmp_path}/more/fr.po']\n")
    assert "portal.catalogues[1]: another catalogue is of the same language" in found
