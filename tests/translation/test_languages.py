"""Which language a request gets."""

from __future__ import annotations

import pytest
from babel import Locale

from gateway.translation.languages import SHIPPED, Language, choose


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("en", "en"),
        ("de-AT, de;q=0.9, en;q=0.5", "de"),
        ("en;q=0.5, de;q=0.6", "de"),
        ("HE-il", "he"),
        ("fr, de;q=0.1", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("de;q=2, he", "he"),
        ("de;q=0.1, *;q=0.5", "en"),
        ("\0;;,,=q" * 1000, "en"),
        (",".join(["fr"] * 1000) + ",de", "en"),
    ],
)
def test_the_browser_says_what_its_reader_prefers(accepted: str, tag: str) -> None:
    assert choose(SHIPPED, "", accepted).tag == tag


@pytest.mark.parametrize(("chosen", "tag"), [("he", "he"), ("HE", "he"), ("fr", "de"), ("", "de")])
def test_what_was_chosen_comes_first_if_there_is_such_a_language(chosen: str, tag: str) -> None:
    assert choose(SHIPPED, chosen, "de").tag == tag


def test_the_first_language_is_for_who_asks_for_none_of_them() -> None:
    offered = (Language("pt-BR", "Português"), *SHIPPED)
    assert choose(offered, "", "fr").tag == "pt-BR"
    assert choose(offered, "", "pt-br").tag == "pt-BR"


@pytest.mark.parametrize("language", SHIPPED, ids=lambda one: one.tag)
def test_names_and_directions_are_as_unicode_has_them(language: Language) -> None:
    locale = Locale.parse(language.tag)
    assert language.name == locale.get_display_name()
    assert (language.direction == "rtl") == (locale.text_direction == "rtl")
