"""Pages in German, whose words are long, and in Hebrew, which is written from right to left."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page

from gateway.portal.page_language import COOKIE
from tests.portal.browser.conftest import make_application, sign_in
from tests.portal.browser.test_pages import WITHOUT_COLOURS, violations

Window = Callable[..., Page]


def pages(page: Page) -> list[str]:
    """Makes an application with keys; the paths of the pages."""
    sign_in(page)
    make_application(page, f"Shop {uuid4().hex[:6]}")
    path = page.url.partition("?")[0]
    page.goto(f"{path}/production")
    page.click("text=GENERATE KEYS")
    return [
        *(
            "/portal/applications",
            "/portal/applications/new",
            "/portal/apis",
            "/portal/usage",
            "/portal/users",
        ),
        *("/portal/account", "/portal/account/sessions", "/portal/teams", "/portal/refusals"),
        *(f"{path}{part}" for part in ("", "/delete", "/owner", "/sandbox", "/production")),
        *(f"{path}/production/{tab}" for tab in ("secrets", "calls", "settings", "danger")),
        "/portal/none",
    ]


@pytest.mark.parametrize(("tag", "direction"), [("de", "ltr"), ("he", "rtl")])
def test_pages_are_accessible_and_fit_on_a_desktop_and_a_phone(
    window: Window, axe: str, gateway: str, tag: str, direction: str
) -> None:
    page = window()
    paths = pages(page)
    page.context.add_cookies([{"name": COOKIE, "value": tag, "url": f"{gateway}/portal"}])
    found = {}
    for path in paths:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == tag
        wrong = violations(page, axe, WITHOUT_COLOURS)
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 800})
            # From right to left, what is too wide hangs over on the left.
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                wrong.append(f"is wider than {width} pixels")
        if wrong:
            found[path.rpartition("/")[2]] = wrong
    assert found == {}
    directions = (
        "[document.body, ...document.querySelectorAll('code')].map(one => getComputedStyle(one).direction)"
    )
    page.goto(paths[9])
    body, *codes = page.evaluate(directions)
    assert body == direction
    assert codes
    assert set(codes) == {"ltr"}


def test_the_pages_script_speaks_the_pages_language_too(window: Window, gateway: str) -> None:
    page = window()
    sign_in(page)
    page.context.add_cookies([{"name": COOKIE, "value": "de", "url": f"{gateway}/portal"}])
    page.goto("/portal/apis")
    form = page.locator("[data-try]").first
    form.locator("button").click()
    form.locator(".answer").get_by_text("Fügen Sie zuerst ein Access-Token ein").wait_for()


def test_times_are_those_where_the_reader_is(window: Window) -> None:
    page = window(timezone_id="Asia/Kolkata", locale="en-GB")
    sign_in(page)
    make_application(page, f"Shop {uuid4().hex[:6]}")
    time = page.locator("time").first
    assert time.inner_text().endswith("GMT+5:30")
    assert str(time.get_attribute("title")).endswith(" UTC")
    page.goto("/portal/applications")
    assert page.locator("time[data-day]").first.inner_text().count(":") == 0


def test_without_javascript_times_are_utc(window: Window) -> None:
    page = window(java_script_enabled=False, timezone_id="Asia/Kolkata")
    sign_in(page)
    make_application(page, f"Shop {uuid4().hex[:6]}")
    assert page.locator("time").first.inner_text().endswith(" UTC")


LAST_IS_RIGHT_OF_FIRST = """(one) => {
    const place = (text, at) => {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        return range.getBoundingClientRect().left;
    };
    const text = document.createTreeWalker(one, NodeFilter.SHOW_TEXT).nextNode();
    return place(text, text.length - 1) > place(text, 0);
}"""


def test_what_people_have_written_keeps_the_direction_of_its_own_words(window: Window, gateway: str) -> None:
    page = window()
    sign_in(page)
    name = f"Shop {uuid4().hex[:6]} (new)"
    make_application(page, name)
    path = page.url.partition("?")[0]
    page.context.add_cookies([{"name": COOKIE, "value": "he", "url": f"{gateway}/portal"}])
    for place, selector in (
        (path, "h1"),
        (f"/portal/applications?search={name[5:11]}", ".list tbody th > a"),
    ):
        page.goto(place)
        one = page.locator(selector).first
        assert one.evaluate(LAST_IS_RIGHT_OF_FIRST), place
        box, around = one.bounding_box(), page.locator("main").bounding_box()
        assert box is not None
        assert around is not None
        assert box["x"] + box["width"] > around["x"] + around["width"] / 2, (
            "on the side where the page begins"
        )
