"""Every page: accessible, in light and dark, no wider than a small phone, and light."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, ViewportSize

from tests.portal.browser.chromium import AXE
from tests.portal.browser.conftest import PATIENCE, THREAD, make_application, sign_in

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
    page.goto(f"{path}/production/secrets")
    page.fill("#secret_name", "W" * 40)
    page.click("button:has-text('Add a secret')")
    for tab in ("secrets", "calls", "settings", "danger"):
        page.goto(f"{path}/production/{tab}")
        yield f"keys, {tab}"
    page.goto(path)
    yield "application, with keys and a secret whose name is one word"
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


def after_settling(page: Page, path: str) -> None:
    """Opens the page until it has something to show; workers settle every two seconds."""
    deadline = time.monotonic() + 30
    page.goto(path)
    while page.locator("svg.chart").count() == 0:
        assert time.monotonic() < deadline, page.inner_text("main")
        page.wait_for_timeout(200)
        page.goto(path)
    page.click("summary >> nth=0")


# What passes is not written down, which would take more than a third of the time.
FULL = "axe.run(document, {reporter: 'no-passes'})"
WITHOUT_COLOURS = "axe.run(document, {reporter: 'no-passes', rules: {'color-contrast': {enabled: false}}})"
"""For a page in one more language: its colours, whose contrasts take half of the time, are the same."""
DESKTOP, PHONE = ViewportSize(width=1280, height=720), ViewportSize(width=360, height=640)
COLOURS = "axe.run(document, {reporter: 'no-passes', runOnly: ['color-contrast']})"


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


def problems(page: Page, axe: str, *, colours: bool = True) -> list[str]:
    """What is wrong with the page that is open: in light on a desktop, and in the dark on a small phone."""
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    found = violations(page, axe, FULL if colours else WITHOUT_COLOURS)
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    if colours:
        found += [f"in the dark: {one}" for one in _found(page, COLOURS)]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("is wider than the phone")
    if page.evaluate(
        "[...document.querySelectorAll('nav')].some((one) => one.scrollWidth > one.clientWidth)"
    ):
        found.append("has navigation that is out of sight on the phone")
    return found


@dataclass
class Walk:
    """What was found on the way over all pages."""

    problems: dict[str, list[str]] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    """On the console, by the pages themselves."""


@pytest.fixture(scope="module", params=[pages_of_site, pages_of_keys])
def walk(browser: Browser, gateway: str, request: pytest.FixtureRequest) -> Walk:
    """One way over all pages, for what each has to be."""
    return THREAD.submit(walked, browser, gateway, request.param).result()


def walked(browser: Browser, gateway: str, pages: Pages) -> Walk:
    axe = AXE.read_text() if AXE.is_file() else ""
    found, sizes, by_axe = Walk(), list[int](), False

    def weigh(answer: Response) -> None:
        sizes.append(int(answer.headers.get("content-length", 0)))

    def hear(message: ConsoleMessage) -> None:
        if not by_axe:
            found.said.append(message.text)

    with browser.new_context(base_url=gateway) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("request", lambda request: sizes.clear() if request.is_navigation_request() else None)
        page.on("response", weigh)
        page.on("console", hear)
        for name in pages(page):
            found.weights[name] = sum(sizes)
            if axe:
                by_axe = True
                found.problems[name] = problems(page, axe)
                by_axe = False
                # The next page comes as it comes to who has asked for nothing.
                page.set_viewport_size(DESKTOP)
                page.emulate_media(color_scheme="light")
    return found


def test_every_page_is_accessible_and_can_be_read_in_the_dark_on_a_small_phone(walk: Walk, axe: str) -> None:
    assert walk.problems
    assert {name: texts for name, texts in walk.problems.items() if texts} == {}


def test_no_page_weighs_100_kib_or_breaks_its_own_policy(walk: Walk) -> None:
    assert min(walk.weights.values()) > 0
    assert max(walk.weights.values()) < 100 * 1024
    assert not [text for text in walk.said if "Content Security Policy" in text]


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
