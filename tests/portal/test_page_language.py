"""Pages in the reader's language, at a real gateway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest

from gateway.portal.page_language import speak_in_templates, way_back
from gateway.translation.catalogue import translations
from gateway.translation.languages import Language
from gateway.translation.text import speaking
from tests.portal.reader import Reader
from tests.running import Running


def test_a_page_is_in_the_language_that_the_browser_asks_for(gateway: str) -> None:
    german = Reader(gateway).open("/portal/none", Accept_Language="de-AT,de;q=0.9")
    assert german.status == 404
    assert "Seite nicht gefunden" in german.words
    assert '<html lang="de" dir="ltr">' in german.html
    assert (german.headers["Content-Language"], german.headers["Vary"]) == ("de", "Accept-Language, Cookie")
    hebrew = Reader(gateway).open("/portal/none", Accept_Language="he")
    assert '<html lang="he" dir="rtl">' in hebrew.html
    for accepted in ("", "en-GB", "fr", "*"):
        english = Reader(gateway).open("/portal/none", Accept_Language=accepted)
        assert "Page not found" in english.words
        assert '<html lang="en" dir="ltr">' in english.html
    assert "Content-Language" not in Reader(gateway).open("/portal/static/portal.css").headers


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example/portal/",
        "/portal/../x",
        "/portal/a\r\nX: y",
        "/other",
        "/portal/" + "a" * 9999,
    ],
)
def test_the_way_back_leads_to_the_portal(path: str) -> None:
    assert way_back(path) == "/portal/"
    assert way_back("/portal/users?search=a%20b") == "/portal/users?search=a%20b"


def test_the_operator_says_which_languages_there_are(start: Callable[..., Running], tmp_path: Path) -> None:
    (tmp_path / "fr.po").write_text('msgid "Language"\nmsgstr "<b>Langue</b>"\n')
    site = start(portal={"languages": ["fr", "en"], "catalogues": [str(tmp_path / "fr.po")]}).http
    page = Reader(site).open("/portal/sign-in", Accept_Language="de")
    assert '<html lang="fr" dir="ltr">' in page.html
    assert "&lt;b&gt;Langue&lt;/b&gt;" in page.html
    assert "<b>Langue" not in page.html
    assert '<option value="de"' not in page.html


def test_one_language_leaves_no_choice(start: Callable[..., Running]) -> None:
    page = Reader(start(portal={"languages": ["en"]}).http).open("/portal/sign-in", Accept_Language="de")
    assert "/portal/language" not in page.html
    assert '<html lang="en" dir="ltr">' in page.html


def test_a_catalogue_that_is_gone_leaves_the_pages_english(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    (tmp_path / "fr.po").write_text('msgid "Language"\nmsgstr "Langue"\n')
    site = start(portal={"catalogues": [str(tmp_path / "fr.po")]})
    (tmp_path / "fr.po").unlink()
    page = Reader(site.http).open("/portal/sign-in", Accept_Language="fr")
    assert (page.status, page.headers["Content-Language"]) == (200, "en")


def test_a_translation_runs_nothing_and_neither_does_a_value() -> None:
    source = 'msgid "Hello %(name)s"\nmsgstr "<script>%(name)s</script>"\n'
    env = jinja2.Environment(autoescape=True)
    speak_in_templates(env)
    template = env.from_string(
        "{% trans name=name %}Hello {{ name }}{% endtrans %} {{ _('Hello %(name)s', name=name) }}"
    )
    with speaking(Language("xx", ""), translations([source.encode()])):
        shown = template.render(name="<i>")
    assert shown == " ".join(["&lt;script&gt;&lt;i&gt;&lt;/script&gt;"] * 2)
