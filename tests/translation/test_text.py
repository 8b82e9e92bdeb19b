"""Words in the language that is spoken."""

from __future__ import annotations

import asyncio

from gateway.translation.catalogue import translations
from gateway.translation.languages import ENGLISH, Language
from gateway.translation.text import gettext, gettext_noop, ngettext, speaking, spoken

LATIN = Language("la", "Latina")
WORDS = translations(
    [
        b'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
        b'msgid "Hello %(name)s"\nmsgstr "Ave %(name)s"\n'
        b'msgid "One key"\nmsgid_plural "%(num)s keys"\nmsgstr[0] "Una clavis"\nmsgstr[1] "%(num)s claves"\n'
    ]
)


def test_words_are_english_unless_another_language_is_spoken() -> None:
    assert (spoken(), gettext("Hello %(name)s", name="100 %")) == (ENGLISH, "Hello 100 %")
    with speaking(LATIN, WORDS):
        assert (spoken(), gettext("Hello %(name)s", name="A")) == (LATIN, "Ave A")
        assert gettext("100%%, not translated") == "100%, not translated"
        counted = [ngettext("One key", "%(num)s keys", number) for number in (1, 5)]
        assert counted == ["Una clavis", "5 claves"]
    assert spoken() == ENGLISH
    assert gettext_noop("Hello %(name)s") == "Hello %(name)s"


async def test_requests_at_the_same_time_speak_their_own_languages() -> None:
    async def greeting(language: Language) -> str:
        with speaking(language, WORDS if language == LATIN else translations([])):
            await asyncio.sleep(0)
            return gettext("Hello %(name)s", name="A")

    assert await asyncio.gather(greeting(LATIN), greeting(ENGLISH)) == ["Ave A", "Hello A"]
