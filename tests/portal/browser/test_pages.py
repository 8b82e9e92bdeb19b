"""Every page: accessible, in light and dark, no wider than a small phone, and light."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Response, ViewportSize

from tests.portal.browser.conftest import make_application, sign_in

Window = Callable[..., Page]
Pages = Callable[[Page], Iterator[str]]


def pages_of_site(page: Page) -> Iterator[str]:
    """Opens one page after the other; says which is open."""
    page.goto("/portal/sign-in")
    yield "sign in"
    page.fill("#name", f"nobody-{uuid4().hex[:6]}")
    page.fill("#password", "wrong")
    page.click("button:has-text('Sign in')")
    yield "sign in, refused"
    page.goto("/portal/sign-up")
    yield "sign up"
    sign_in(page)
    page.goto("/portal/applications?search=no-such-thing")
    yield "nothing found"
    page.goto("/portal/applications/new")
    page.fill("#name", " ")
    page.click("button:has-text('Create application')")
    yield "new application, refused"
    make_application(page, f"A name as long as it may be, {uuid4().hex} end")
    path = page.url.partition("?")[0]
    yield "application"
    page.goto(f"{path}/edit")
    yield "edit"
    for name in (
        "/portal/usage",
        "/portal/calls",
        "/portal/activity",
        f"{path}/activity",
        "/portal/applications",
        f"{path}/delete",
        "/portal/apis",
        "/portal/account",
        "/portal/users",
        f"{path}/owner",
        "/portal/none",
    ):
        page.goto(name)
        yield name.replace(path, "")
    page.goto("/portal/teams")
    page.fill("#name", f"A name as long as it may be, {uuid4().hex} end")
    page.click("button:has-text('Create team')")
    page.click("button:has-text('Create an invitation')")
    yield "team, with an invitation"
    page.goto("/portal/teams")
    yield "teams"


def pages_of_keys(page: Page) -> Iterator[str]:
    """The same of one pair of keys."""
    sign_in(page)
    make_application(page, f"Keys {uuid4().hex[:6]}")
    path = page.url.partition("?")[0]
    page.goto(f"{path}/production")
    yield "generate"
    page.click("text=GENERATE KEYS")
    yield "keys, new"
    page.click("text=Run it here")
    page.locator(".run .answer details").wait_for()
    yield "keys, with an answer"
    for tab in ("secrets", "calls", "settings", "danger"):
        page.goto(f"{path}/production/{tab}")
        yield f"keys, {tab}"
    page.goto(f"{path}/production")
    page.click("text=Advanced: scopes and validity period")
    page.fill("#validity", "0")
    page.click("text=Generate token")
    yield "keys, with a problem"
    page.fill("#validity", "60")
    page.click("text=Generate token")
    yield "keys, with a token"
    page.goto(f"{path}/production/danger")
    page.click("text=Revoke all tokens")
    after_settling(page, f"{path}/usage")
    yield "usage, with pictures"


EVERY_PAGE = pytest.mark.parametrize("pages", [pages_of_site, pages_of_keys])


def after_settling(page: Page, path: str) -> None:
    """Opens the page until it has something to show; workers settle every two seconds."""
    deadline = time.monotonic() + 30
    page.goto(path)
    while page.locator("svg.chart").count() == 0:
        assert time.monotonic() < deadline, page.inner_text("main")
        page.wait_for_timeout(200)
        page.goto(path)
    page.click("summary >> nth=0")


FULL = "axe.run(document, {resultTypes: ['violations']})"
DESKTOP, PHONE = ViewportSize(width=1280, height=720), ViewportSize(width=360, height=640)
COLOURS = "axe.run(document, {resultTypes: ['violations'], runOnly: ['color-contrast']})"


def violations(page: Page, axe: str, run: str) -> list[str]:
    """What axe finds on the page that is open; the least grave is let be."""
    page.evaluate(axe)
    return _found(page, run)


def _found(page: Page, run: str) -> list[str]:
    """The same, where the page has axe already."""
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
        for one in page.evaluate(run)["violations"]
        if one["impact"] != "minor"
    ]


def problems(page: Page, axe: str) -> list[str]:
    """What is wrong with the page that is open: in light on a desktop, and in the dark on a small phone."""
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    found = violations(page, axe, FULL)
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    found += [f"in the dark: {one}" for one in _found(page, COLOURS)]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("is wider than the phone")
    return found


@EVERY_PAGE
def test_every_page_is_accessible_and_can_be_read_in_the_dark_on_a_small_phone(
    window: Window, axe: str, pages: Pages
) -> None:
    page = window()
    found = {name: problems(page, axe) for name in pages(page)}
    assert {name: texts for name, texts in found.items() if texts} == {}


@EVERY_PAGE
def test_no_page_weighs_100_kib_or_breaks_its_own_policy(window: Window, pages: Pages) -> None:
    page = window()
    sizes: list[int] = []
    said: list[str] = []

    def weigh(answer: Response) -> None:
        sizes.append(int(answer.headers.get("content-length", 0)))

    page.on("request", lambda request: sizes.clear() if request.is_navigation_request() else None)
    page.on("response", weigh)
    page.on("console", lambda message: said.append(message.text))
    weights = {}
    for name in pages(page):
        weights[name] = sum(sizes)
    assert min(weights.values()) > 0
    assert max(weights.values()) < 100 * 1024
    assert not [text for text in said if "Content Security Policy" in text]


def test_the_charts_go_on_unless_somebody_reads_the_numbers(window: Window) -> None:
    page = window()
    page.clock.install()
    sign_in(page)
    page.goto("/portal/usage")
    page.evaluate("window.before = true")
    with page.expect_navigation():
        page.clock.fast_forward(31_000)
    assert page.evaluate("window.before === undefined")
    page.evaluate("document.querySelector('dl').innerHTML = '<details open></details>'; window.before = true")
    page.clock.fast_forward(31_000)
    assert page.evaluate("window.before")
