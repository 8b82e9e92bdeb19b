"""Choosing a language: the form at the foot of every page."""

from __future__ import annotations

from gateway.portal.page_language import COOKIE
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader


def test_a_reader_chooses_another_language_on_any_page(gateway: str) -> None:
    reader = Reader(gateway)
    page = reader.open("/portal/sign-in?next=/portal/usage", Accept_Language="en")
    chosen = page.submit("/language", language="de")
    assert chosen.url.endswith("/portal/sign-in?next=%2Fportal%2Fusage")
    assert "Sprache" in chosen.words
    (cookie,) = [one for one in reader.cookies if one.name == COOKIE]
    assert (cookie.value, cookie.path) == ("de", "/portal")
    assert "Sprache" in reader.open("/portal/sign-in", Accept_Language="he").words
    assert "Sprache" not in chosen.submit("/language", language="en").words


def test_a_choice_on_a_page_of_an_ended_session_counts(gateway: str) -> None:
    reader = Reader(gateway)
    page = reader.open("/portal/sign-in")
    reader.sign_in(ADMIN, PASSWORD)
    inside = reader.open("/portal/apis")
    assert '<html lang="de"' in page.submit("/language", language="de").html
    reader.open("/portal/account").submit("/sign-out")
    assert '<html lang="he"' in inside.submit("/language", language="he").html


def test_a_choice_needs_a_form_of_this_browser_and_a_language_that_is_offered(gateway: str) -> None:
    page = Reader(gateway).open("/portal/sign-in")
    assert page.submit("/language", language="de", drop=["proof"]).status == 403
    unknown = page.submit("/language", language="../../de", back="//evil.example/portal/")
    assert unknown.url.startswith(f"{gateway}/portal/sign-in")
    assert "Language" in unknown.words
    assert page.reader.open("/portal/language").url.startswith(f"{gateway}/portal/")
