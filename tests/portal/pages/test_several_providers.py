"""Several providers of `portal.oidc`: a button each, and no answer of one is taken for another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest

from tests.portal.pages.test_provider import CALLBACK, START, answered, configured, sent_to, signed_in
from tests.portal.reader import Reader
from tests.portal.scripted_provider import ScriptedProvider, scripted_provider
from tests.running import Running


@pytest.fixture(scope="module")
def first() -> Iterator[ScriptedProvider]:
    with scripted_provider() as one:
        yield one


@pytest.fixture(scope="module")
def second() -> Iterator[ScriptedProvider]:
    with scripted_provider() as one:
        yield one


def several(first: ScriptedProvider, second: ScriptedProvider) -> dict[str, Any]:
    """A configuration with both; the second one has an id."""
    sections = configured(first.url)
    one = sections["portal"]["oidc"]
    other = one | {"id": "other", "name": "Partner login", "issuer": second.url}
    sections["portal"]["oidc"] = [one, other]
    return sections


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], first: ScriptedProvider, second: ScriptedProvider) -> str:
    return start(**several(first, second)).http


@pytest.fixture(autouse=True)
def person(first: ScriptedProvider, second: ScriptedProvider) -> str:
    """Somebody new, who has the same subject at both."""
    subject = uuid4().hex
    for one in (first, second):
        one.reset(subject, preferred_username=f"ada-{subject[:8]}", roles=["developer"])
    return subject


def test_several_providers_have_a_button_each_and_are_others_people(
    site: str, first: ScriptedProvider, second: ScriptedProvider, person: str
) -> None:
    page = Reader(site).open("/portal/sign-in?next=/portal/apis")
    assert "Sign in with Company login" in page.words
    assert "Sign in with Partner login" in page.words
    assert f'href="{START}?next=/portal/apis"' in page.html
    assert f'href="{START}/other?next=/portal/apis"' in page.html
    one, other = Reader(site), Reader(site)
    assert signed_in(one.open(START))
    path = one.application("Shop")
    assert urlsplit(other.open(f"{START}/other?next=/portal/apis").url).path == "/portal/apis"
    assert (first.asked["redirect_uri"], second.asked["redirect_uri"]) == (
        site + CALLBACK,
        f"{site}{CALLBACK}/other",
    )
    # The same subject at another issuer is another person.
    assert other.open(path).status == 404
    account = other.open("/portal/account")
    assert f"ada-{person[:8]}-" in account.words
    assert "You sign in at Partner login" in account.words
    out = account.submit("/sign-out")
    assert "You may still be signed in at Partner login." in out.words
    assert sent_to(other, "/portal/sign-out/provider/other").startswith(f"{second.url}/logout?")


def test_several_providers_an_answer_comes_back_where_it_was_asked_for(
    site: str, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    for asked, start, back in ((first, START, f"{CALLBACK}/other"), (second, f"{START}/other", CALLBACK)):
        reader = Reader(site)
        answer = answered(reader, asked, start)
        shown = reader.open(f"{back}?{urlencode(answer)}")
        assert (shown.status, signed_in(shown)) == (400, False)
        # Nor is the flow any good where it belongs, now.
        shown = reader.open(f"{CALLBACK}{'/other' if asked is second else ''}?{urlencode(answer)}")
        assert (shown.status, signed_in(shown)) == (400, False)


def test_several_providers_one_that_is_down_leaves_the_other(
    start: Callable[..., Running], first: ScriptedProvider, second: ScriptedProvider
) -> None:
    reader = Reader(start(**several(first, second)).http)
    second.down = True
    shown = reader.open(f"{START}/other")
    assert (shown.status, "Partner login can't be reached" in shown.words) == (503, True)
    assert signed_in(reader.open(START))


@pytest.mark.parametrize("name", ["none", "Other", "..%2fother", "%00"])
def test_several_providers_one_that_is_not_there_has_no_pages(site: str, name: str) -> None:
    for path in (START, CALLBACK, "/portal/sign-out/provider"):
        assert Reader(site).open(f"{path}/{name}").status in (400, 404)
