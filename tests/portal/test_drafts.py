"""What was filled in when the session had ended is there again after signing in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.portal.drafts import KEPT_FIELDS, Draft, refilled
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.everything import BOSS, WORD, Everything, Found, everything
from tests.portal.reader import Form, Reader, Sheet
from tests.running import Running

SESSION = "gatepost-portal"
FORM = (
    '<form method="post" action="/other"><input name="name" value="x"></form>'
    '<form method="post" action="/a"><input type="hidden" name="proof" value="p">'
    '<input id="n" name="name" value="old"><input name="ends" type="date" class="short" value="">'
    '<textarea id="d" name="description" rows="3">old</textarea>'
    '<select name="tier"><option value="">None</option><option value="small" selected>small</option></select>'
    '<input type="checkbox" name="scope" value="r" checked><input type="checkbox" name="scope" value="w">'
    '<input name="password" type="password" value=""><button formaction="/b">No</button></form>'
)


def test_each_kind_of_field_is_filled_in_again() -> None:
    fields = (
        ("name", '"><script>&'),
        ("description", "</textarea><b>"),
        ("tier", ""),
        ("scope", "w"),
        ("ends", "2030-01-01"),
    )
    found = refilled(FORM, Draft("/a", (*fields, ("password", "secret"), ("proof", "mine")))) or ""
    assert '<form method="post" action="/other"><input name="name" value="x"></form>' in found
    assert 'value="&#34;&gt;&lt;script&gt;&amp;" id="n" name="name"' in found
    assert ">&lt;/textarea&gt;&lt;b&gt;</textarea>" in found
    assert '<option value="" selected>None</option><option value="small">' in found
    assert '<input type="checkbox" name="scope" value="r">' in found
    assert '<input checked type="checkbox" name="scope" value="w">' in found
    assert 'value="2030-01-01"' in found
    assert "secret" not in found
    assert 'name="proof" value="p"' in found


def test_a_button_of_its_own_leads_to_the_form_too_and_a_form_that_is_gone_to_none() -> None:
    assert 'value="new" id="n"' in str(refilled(FORM, Draft("/b", (("name", "new"),))))
    assert refilled(FORM, Draft("/c", (("name", "new"),))) is None
    assert "new" in str(refilled(FORM.replace("/a", "/a#top"), Draft("/a", (("name", "new"),))))


def end_session(reader: Reader) -> None:
    """The store forgets the session; the browser still has its cookie."""
    other = Reader(reader.base)
    for cookie in reader.cookies:
        if cookie.name == SESSION:
            other.cookies.set_cookie(cookie)
    other.open("/portal/account").submit("/sign-out")


def left_form(reader: Reader, name: str) -> Sheet:
    """A form that is sent after the session has ended."""
    form = reader.open("/portal/applications/new")
    end_session(reader)
    return form.submit("/new", name=name, description="Line one\nand <two>")


@pytest.fixture
def reader(gateway: str) -> Reader:
    reader = Reader(gateway)
    reader.sign_in(ADMIN, PASSWORD)
    return reader


def test_after_signing_in_the_form_is_filled_in_and_nothing_was_done(reader: Reader) -> None:
    name = f"Kept {uuid4().hex[:6]}"
    asked = left_form(reader, name)
    assert "/portal/sign-in" in asked.url
    assert "What you filled in is kept" in asked.words
    back = asked.submit("/sign-in", name=ADMIN, password=PASSWORD)
    assert back.url.endswith("/portal/applications/new")
    assert f'value="{name}"' in back.html
    assert "Line one\nand &lt;two&gt;</textarea>" in back.html.replace("\r\n", "\n")
    assert "Nothing has been sent yet" in back.words
    assert name not in reader.open("/portal/applications").words
    made = back.submit("/new", name=name)
    assert name in made.words
    assert f'value="{name}"' not in reader.open("/portal/applications/new").html


def signed_in_anew(reader: Reader, name: str = ADMIN, password: str = PASSWORD) -> None:
    """As in another window of the same browser."""
    reader.open("/portal/account").submit("/sign-out")
    assert reader.sign_in(name, password).status == 200


def test_a_form_from_before_a_new_sign_in_comes_back_filled_in_and_changes_nothing(reader: Reader) -> None:
    name = f"Kept {uuid4().hex[:6]}"
    form = reader.open("/portal/applications/new")
    signed_in_anew(reader)
    back = form.submit("/new", name=name, description="Line one\nand <two>")
    assert (back.status, back.url.partition("?")[0]) == (200, form.url)
    assert f'value="{name}"' in back.html
    assert "Nothing has been sent yet" in back.words
    assert name not in reader.open("/portal/applications").words
    assert name in back.submit("/new").words


def test_a_button_from_before_a_new_sign_in_does_nothing_and_says_so(reader: Reader) -> None:
    path = reader.application(f"Shop {uuid4().hex[:6]}")
    form = reader.open(f"{path}/delete")
    signed_in_anew(reader)
    told = form.submit("/delete")
    assert "nothing was changed. Try again." in told.words
    assert reader.open(path).status == 200


def test_a_form_from_before_another_person_signed_in_is_refused(reader: Reader) -> None:
    name, password = f"dev-{uuid4().hex[:8]}", "a long pass word"
    Reader(reader.base).open("/portal/sign-up").submit(
        "/sign-up", name=name, password=password, again=password
    )
    form = reader.open("/portal/applications/new")
    signed_in_anew(reader, name, password)
    reader.open("/portal/applications")
    refused = form.submit("/new", name="Of the administrator")
    assert refused.status == 403
    assert "Of the administrator" not in reader.open("/portal/applications/new").html


def test_what_was_filled_in_before_signing_out_elsewhere_is_kept_too(reader: Reader) -> None:
    form = reader.open("/portal/applications/new")
    reader.open("/portal/account").submit("/sign-out")
    asked = form.submit("/new", name="Kept")
    assert "What you filled in is kept" in asked.words
    assert 'value="Kept"' in asked.submit("/sign-in", name=ADMIN, password=PASSWORD).html


def test_another_person_sees_nothing_of_it(reader: Reader, gateway: str) -> None:
    asked = left_form(reader, "Of the administrator")
    name = f"dev-{uuid4().hex[:8]}"
    other = Reader(gateway)
    other.open("/portal/sign-up").submit(
        "/sign-up", name=name, password="a long pass word", again="a long pass word"
    )
    back = asked.submit("/sign-in", name=name, password="a long pass word")
    assert "Of the administrator" not in back.html
    assert "Of the administrator" not in reader.open("/portal/applications/new").html


def test_a_form_of_another_site_is_not_kept(reader: Reader) -> None:
    form = reader.open("/portal/applications/new")
    end_session(reader)
    refused = form.submit("/new", name="Smuggled", proof="0" * 64)
    assert "What you filled in is kept" not in refused.words
    assert not [one for one in reader.cookies if one.name == "gatepost-draft"]


def test_no_password_is_ever_in_it(reader: Reader) -> None:
    form = reader.open("/portal/account")
    end_session(reader)
    if 'name="current"' in form.html:
        form.submit("/account", current="hidden", new="hidden too", again="hidden too")
    assert not [one for one in reader.cookies if re.search("draft", one.name)]


def test_a_draft_does_not_overwrite_what_was_changed_meanwhile(reader: Reader, gateway: str) -> None:
    path = reader.application(f"Shop {uuid4().hex[:6]}")
    form = reader.open(f"{path}/edit")
    end_session(reader)
    other = Reader(gateway)
    other.sign_in(ADMIN, PASSWORD)
    mark = uuid4().hex[:6]
    other.open(f"{path}/edit").submit("/edit", name=f"Theirs {mark}")
    back = form.submit("/edit", name=f"Mine {mark}").submit("/sign-in", name=ADMIN, password=PASSWORD)
    refused = back.submit("/edit")
    assert (refused.status, f"Theirs {mark}" in refused.words) == (409, True)


SECRET = {"password", "current", "new", "again", "token", "answer", "proof"}
"""What is never kept, whatever it is typed into."""


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> Everything:
    return everything(start, Path(tmp_path_factory.mktemp("everything")))


def typed(form: Form) -> dict[str, str]:
    """Something for each field that a person types into."""
    words = {"text": "Kept text", "search": "Kept text", "textarea": "Kept\nlines", "password": "Kept secret"}
    words |= {"email": "kept@example.org", "url": "https://kept.example.org/", "date": "2031-12-30"}
    return {name: words[kind] for name, kind in form.kinds.items() if kind in words}


def sent_without_session(site: Everything, found: Found, fields: dict[str, str]) -> Sheet:
    """The page after signing in again, when the session ended before the form was sent."""
    reader = Reader(site.running.http)
    assert reader.sign_in(BOSS, WORD).status == 200
    form = next(one for one in reader.open(found.page).forms if one.action == found.form.action)
    end_session(reader)
    asked = Found(found.pattern, found.page, form).send(reader, **fields)
    assert "/portal/sign-in" in asked.url, found
    return asked.submit("/sign-in", name=BOSS, password=WORD)


def test_the_draft_of_every_form_with_text_is_there_again_and_no_secret(site: Everything) -> None:
    seen = set()
    for pattern, found in site.forms().items():
        fields = typed(found.form)
        kept = {name: text for name, text in fields.items() if name not in SECRET}
        if not fields:
            continue
        back = sent_without_session(site, found, fields)
        assert "Kept secret" not in back.html, pattern
        if not kept:
            continue
        seen.add(pattern)
        there = [dict(one.fields) for one in back.forms if one.action == found.form.action]
        assert there, (pattern, back.url)
        assert {name: there[0].get(name) for name in kept} == kept, (pattern, back.url)
        assert "Nothing has been sent yet" in back.words, pattern
    assert len(seen) > 12


def test_no_field_of_a_secret_is_among_those_that_a_draft_keeps(site: Everything) -> None:
    secret = {
        name for one in site.forms().values() for name, kind in one.form.kinds.items() if kind == "password"
    }
    assert secret
    assert not (secret | SECRET) & KEPT_FIELDS
