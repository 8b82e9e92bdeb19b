"""Two windows, or two people, never overwrite each other's changes: a form says what it has shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.portal.everything import NOT_HERE, Everything, Found, everything, form_patterns
from tests.running import Running

ONE, KEYS = "/applications/{id}", "/applications/{id}/{environment:production|sandbox}"
SUBSCRIPTION = ONE + "/subscriptions/{subscription}"
EDITS: dict[str, tuple[dict[str, str], str]] = {
    "/account/email/notices": ({"kind": "secrets"}, "ubscription"),
    ONE + "/edit": ({"name": "My name"}, "Shop"),
    ONE + "/owner": ({"owner": "helper"}, "boss"),
    ONE + "/webhook/save": ({"url": "https://mine.example.org/"}, "https://hooks.example.org/events"),
    ONE + "/webhook/new-secret": ({}, "https://hooks.example.org/events"),
    ONE + "/webhook/remove": ({}, "https://hooks.example.org/events"),
    KEYS + "/configure": ({"lifetime": "77"}, "Client credentials"),
    SUBSCRIPTION + "/approve": ({"note": "My note"}, "Waiting for approval"),
    SUBSCRIPTION + "/end": ({"note": "My note"}, "Approved"),
    "/teams/{team}/rename": ({"name": "My name"}, "Ours"),
    "/users/{user}/rename": ({"name": "my-name"}, "name is"),
    "/users/{user}/role": ({"role": "viewer"}, "name is"),
}
"""Forms that replace what is stored: what is filled in, and a word of what is there."""
REPLACES_NOTHING = {
    "/account": "asks for the password that it replaces",
    "/account/delete": "ends what it names",
    "/account/email": "replaces nothing before the link in the mail is opened",
    "/account/email/again": "changes nothing",
    "/account/email/provider": "replaces nothing but by what the provider says",
    "/account/email/remove": "ends what it names",
    "/account/end-other-sessions": "ends what it names",
    "/account/passkeys": "adds",
    "/account/passkeys/new": "adds",
    "/account/passkeys/{passkey}/remove": "ends what it names",
    "/account/sessions/{session}/end": "ends what it names",
    "/apis/{api}/{operation}/token": "adds",
    "/applications/new": "adds",
    ONE + "/delete": "ends what it names",
    ONE + "/webhook/stored": "changes what this browser keeps",
    ONE + "/webhook/test": "changes nothing",
    KEYS + "/add-api-key": "adds",
    KEYS + "/add-secret": "adds",
    KEYS + "/clean-up": "ends what it names",
    KEYS + "/disable": "ends what it names",
    KEYS + "/enable": "is there only while they are disabled",
    KEYS + "/generate-keys": "never replaces keys",
    KEYS + "/generate-token": "adds",
    KEYS + "/remove-secret": "ends what it names",
    KEYS + "/revoke-all": "ends what it names",
    KEYS + "/revoke-api-key": "ends what it names",
    KEYS + "/revoke-token": "ends what it names",
    KEYS + "/rotate-secret": "adds, and the others end",
    KEYS + "/stored": "changes what this browser keeps",
    "/subscriptions/new": "adds, and never replaces one that waits or holds",
    SUBSCRIPTION + "/withdraw": "ends what it names",
    "/teams/join/{code}": "adds",
    "/teams/new": "adds",
    "/teams/{team}/add-member": "adds",
    "/teams/{team}/change-role": "has just two values, and its button names the one that it sets",
    "/teams/{team}/delete": "ends what it names",
    "/teams/{team}/invite": "adds",
    "/teams/{team}/leave": "ends what it names",
    "/teams/{team}/remove-member": "ends what it names",
    "/users/invite": "adds",
    "/users/{user}/approve": "is there only while the account waits",
    "/users/{user}/reject": "is there only while the account waits",
    "/users/{user}/remove-passkeys": "ends what it names",
}
BESIDE = {SUBSCRIPTION + "/refuse": SUBSCRIPTION + "/approve"}
"""What a second button of another form sends."""


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> Everything:
    return everything(start, Path(tmp_path_factory.mktemp("everything")))


@pytest.fixture(scope="module")
def forms(site: Everything) -> dict[str, Found]:
    return site.forms()


def test_two_windows_of_each_form_are_thought_of(forms: dict[str, Found]) -> None:
    assert form_patterns() == {*EDITS, *BESIDE, *REPLACES_NOTHING}
    assert forms.keys() == {*EDITS, *REPLACES_NOTHING} - NOT_HERE.keys()
    saying = {pattern for pattern, found in forms.items() if dict(found.form.fields).get("seen")}
    assert saying == EDITS.keys()


@pytest.mark.parametrize("pattern", sorted(EDITS) + sorted(BESIDE))
def test_a_form_that_shows_what_is_no_longer_there_replaces_nothing_and_shows_both(
    site: Everything, forms: dict[str, Found], pattern: str
) -> None:
    found = forms[BESIDE.get(pattern, pattern)]
    filled, there = EDITS[found.pattern]
    sent = found
    if pattern in BESIDE:
        action = urljoin(site.reader.base + found.form.action, pattern.rpartition("/")[2])
        sent = replace(found, form=replace(found.form, action=action))
    refused = sent.send(site.reader, **filled, seen='"0000"')
    assert refused.status == 409, refused.words
    assert "changed meanwhile" in refused.words
    told = refused.html.partition('role="alert"')[2].partition("</dl>")[0] or refused.words
    assert there in told
    again = next(
        one for one in refused.forms if urlsplit(one.action).path == urlsplit(found.form.action).path
    )
    fields = dict(again.fields)
    assert {name: fields.get(name) for name in filled} == filled
    assert fields["seen"] == dict(found.form.fields)["seen"], "so that sending it again replaces"
    now = next(one for one in site.reader.open(found.page).forms if one.action == found.form.action)
    assert now.fields == found.form.fields, "nothing was replaced"


def test_what_is_sent_again_after_it_was_shown_replaces_what_is_there(site: Everything) -> None:
    path, reader = site.paths("/teams/{team}")[0], site.reader
    first, second = reader.open(path), reader.open(path)
    assert "Saved." in first.submit("/rename", name="By the first").words
    refused = second.submit("/rename", name="By the second")
    assert (refused.status, "By the first" in reader.open(path).words) == (409, True)
    assert "Saved." in refused.submit("/rename").words
    assert "By the second" in reader.open(path).words
