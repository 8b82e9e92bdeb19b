"""Applications: listed, made, changed, deleted; and nobody sees another's."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from tests.portal.reader import Reader, call

MARKUP = '<img src=x onerror="alert(1)">&amp;'


def test_the_first_page_says_what_an_application_is_for(developer: Reader) -> None:
    empty = developer.open("/portal/")
    assert empty.url.endswith("/portal/applications")
    assert "Create your first application" in empty.words


def test_an_application_is_made_changed_and_found(developer: Reader) -> None:
    path = developer.application("Web shop")
    assert "Web shop" in developer.open("/portal/applications").words
    saved = developer.open(f"{path}/edit").submit("/edit", name="Mail shop", description="two\r\nlines")
    assert "Saved." in saved.words
    assert "two\nlines" in saved.html
    assert "Mail shop" in developer.open("/portal/applications?search=MAIL").words
    nothing = developer.open("/portal/applications?search=web")
    assert "No results for “web”." in nothing.words


def test_markup_in_names_is_text(developer: Reader) -> None:
    path = developer.application(MARKUP)
    for page in ("", "/edit", "/delete", "/production"):
        shown = developer.open(path + page)
        assert MARKUP not in shown.html
        assert "onerror=&#34;" in shown.html
    assert MARKUP in developer.open("/portal/applications").words
    assert "<b>" not in developer.open("/portal/applications?search=%3Cb%3E").html


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "An application needs a name."),
        ({"name": "n" * 71}, "at most 70 characters; this one has 71"),
        ({"name": "a\nb"}, "A name is one line of text."),
        ({"name": "Shop", "description": "d" * 513}, "at most 512 characters"),
    ],
)
def test_a_form_that_can_not_be_comes_back_filled_in(
    developer: Reader, fields: dict[str, str], words: str
) -> None:
    told = developer.open("/portal/applications/new").submit("/new", **fields)
    assert (told.status, words in told.words) == (422, True)
    assert dict(told.form("/new").fields)["name"] == fields["name"]
    assert "Create your first application" in developer.open("/portal/applications").words


def test_two_applications_of_a_developer_have_two_names(developer: Reader) -> None:
    developer.application("Shop")
    told = developer.open("/portal/applications/new").submit("/new", name="SHOP")
    assert (told.status, "an application of this name already" in told.words) == (422, True)


def test_somebody_elses_application_is_not_there_but_for_an_administrator(
    developer: Reader, admin: Reader, gateway: str
) -> None:
    name = f"hidden-{uuid4().hex[:8]}"
    path, _ = developer.keys(name)
    stranger = Reader(gateway)
    stranger.open("/portal/sign-up").submit(
        "/sign-up", name=f"s-{uuid4().hex[:8]}", password="correct horse", again="correct horse"
    )
    application = path.rpartition("/")[0]
    for page in (application, f"{application}/edit", f"{application}/delete", path, f"{path}/revoke-all"):
        assert stranger.open(page).status == 404
    own = stranger.open("/portal/account").form("/sign-out").fields
    for action in ("revoke-all", "generate-token", "rotate-secret", "disable", "clean-up"):
        stolen = stranger.open(f"{path}/{action}", ("proof=" + own[0][1]).encode())
        assert stolen.status == 404, action
    assert name not in stranger.open("/portal/applications").words
    assert name in admin.open(f"/portal/applications?search={name}").words
    assert admin.open(path).status == 200


def test_deleting_asks_first_says_what_ends_and_ends_it(developer: Reader, gateway: str) -> None:
    path, made = developer.keys()
    key, secret = made.value("consumer-key"), made.value("consumer-secret")
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    _, token = call(gateway, "/token", form, basic=f"{key}:{secret}")
    assert call(gateway, "/orders", bearer=token["access_token"])[0] == 200
    asked = developer.open(path.rpartition("/")[0] + "/delete")
    assert key in asked.words
    assert "all their tokens are revoked" in asked.words
    assert "The application is deleted" in asked.submit("/delete").words
    assert call(gateway, "/orders", bearer=token["access_token"])[0] == 401
    assert call(gateway, "/token", form, basic=f"{key}:{secret}")[0] == 401
    assert developer.open(path).status == 404


def test_an_applications_tier_is_the_limit_of_its_keys_next_tokens(
    developer: Reader, admin: Reader, gateway: str
) -> None:
    form = {"grant_type": "client_credentials"}

    def token() -> str:
        status, told = call(gateway, "/token", form, basic=f"{key}:{secret}")
        assert status == 200, told
        return str(told["access_token"])

    def ask(bearer: str) -> int:
        return int(call(gateway, "/limited", bearer=bearer)[0])

    path, made = developer.keys("Tiered")
    key, secret = made.value("consumer-key"), made.value("consumer-secret")
    application = path.rpartition("/")[0]
    plain = token()
    assert [ask(plain) for _ in range(4)] == [200, 200, 200, 429]

    assert "Saved." in developer.open(f"{application}/edit").submit("/edit", tier="small").words
    small = token()
    assert small != plain, "a token of the old limits is not given out again"
    assert [ask(small) for _ in range(3)] == [200, 200, 429]
    assert ask(plain) == 429, "its other tokens keep theirs"

    refused = developer.open(f"{application}/edit").submit("/edit", tier="tiny")
    assert (refused.status, "You may not choose this tier." in refused.words) == (422, True)
    admin.open(f"{application}/edit").submit("/edit", tier="tiny")
    tiny = token()
    assert [ask(tiny) for _ in range(2)] == [200, 429]
    kept = developer.open(f"{application}/edit")
    assert 'name="tier"' not in kept.html, "what an administrator gave, a developer can't change"
    kept.submit("/edit", name="Renamed")
    assert "Throttling tier tiny" in developer.open(application).words


def test_the_list_is_sorted_as_the_reader_chooses_and_links_keep_the_search(developer: Reader) -> None:
    mark = uuid4().hex[:6]
    for name in ("b", "C", "a"):
        developer.application(f"{mark} {name}")

    def order(query: str) -> list[str]:
        page = developer.open(f"/portal/applications?search={mark}{query}")
        return re.findall(rf">{mark} (\w)<", page.html)

    assert order("&sort=name") == ["a", "b", "C"]
    assert order("&sort=-name") == ["C", "b", "a"]
    assert sorted(order("&sort=nothing&page=99")) == ["C", "a", "b"]
    page = developer.open(f"/portal/applications?search={mark}&sort=name")
    assert 'aria-sort="ascending"' in page.html
    assert f'href="/portal/applications?search={mark}&amp;sort=-name"' in page.html
    assert "Next page" not in page.words


@pytest.mark.parametrize(
    "name",
    [
        "\U0001f469\u200d\U0001f4bb \U0001f3f3\ufe0f\u200d\U0001f308",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0939\u093f\u0928\u094d\u0926\u0940 \u0995\u09cd\u200d\u09b7",
        "\u05e2\u05d1\u05e8\u05d9\u05ea \u4e2d\u6587",
    ],
)
def test_a_name_can_be_of_any_script(developer: Reader, name: str) -> None:
    path = developer.application(name)
    assert f"<h1>{name}</h1>" in developer.open(path).html
    assert f">{name}<" in developer.open("/portal/applications").html


def test_names_that_read_alike_are_alike(developer: Reader) -> None:
    mark = uuid4().hex[:6]
    developer.application(f"Caf\u00e9 {mark}")
    again = developer.open("/portal/applications/new").submit("/new", name=f"Cafe\u0301 {mark}")
    assert "has an application of this name already" in again.words
    override = developer.open("/portal/applications/new").submit("/new", name="a\u202eb")
    assert "A name is one line of text." in override.words


def test_two_windows_never_overwrite_each_other(developer: Reader) -> None:
    path = developer.application("Shop")
    first, second = developer.open(f"{path}/edit"), developer.open(f"{path}/edit")
    assert first.submit("/edit", name="First", description="Of the first <b>").status == 200
    refused = second.submit("/edit", name="Second", description="Of the second")
    assert refused.status == 409
    assert "This was changed meanwhile" in refused.words
    assert "<dd>First</dd>" in refused.html
    assert "Of the first &lt;b&gt;" in refused.html
    assert 'value="Second"' in refused.html
    assert "First" in developer.open(path).words
    assert "Second" in refused.submit("/edit").words
    assert "<h1>Second</h1>" in developer.open(path).html
