"""Subscriptions in a real browser: asked for and decided, also without JavaScript; accessible everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.portal.browser.conftest import PATIENCE, THREAD, make_application, sign_in
from tests.portal.browser.test_pages import problems
from tests.running import Running

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def site(start: Callable[..., Running]) -> str:
    docs = {"title": "Orders", "summary": "What customers have ordered"}
    orders = {"upstream": "orders", "scopes": ["orders.read"], "access": "request"}
    return start(
        routes=[
            {"path": "/orders", "docs": docs, **orders},
            {"path": "/billing", "upstream": "orders", "access": "request"},
        ]
    ).http


@pytest.fixture
def opened(browser: Browser, site: str) -> Iterator[Opener]:
    """Opens a window; `name` is who is signed in, else a new developer."""
    contexts = []

    def begin(*, admin: bool, **options: Any) -> Page:
        context = browser.new_context(base_url=site, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        if admin:
            sign_in(page)
            return page
        page.goto("/portal/sign-up")
        page.fill("#name", f"dev-{uuid4().hex[:8]}")
        page.fill("#password", "correct horse")
        page.fill("#again", "correct horse")
        page.click("main button")
        return page

    yield begin
    for context in contexts:
        THREAD.submit(context.close).result()


def asked(page: Page, api: str = "Orders") -> str:
    """Asks for an API; where the subscription is shown."""
    make_application(page, f"Shop {uuid4().hex[:6]}")
    page.click("text=Subscribe to an API")
    page.click(f"[aria-label='Subscribe to {api}']")
    page.fill("#note", "Shows customers what they have ordered.")
    page.click("text=Ask for the subscription")
    expect(page.locator("[role=status]")).to_contain_text("You have asked")
    return page.url.partition("?")[0]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_subscription_is_asked_for_and_approved(opened: Opener, javascript: bool) -> None:
    dev = opened(admin=False, java_script_enabled=javascript)
    path = asked(dev)
    approver = opened(admin=True, java_script_enabled=javascript)
    approver.goto("/portal/subscriptions")
    approver.click(f"a[href='{path[path.index('/portal') :]}']")
    approver.fill("#note", "Go on.")
    approver.click("text=Approve")
    expect(approver.locator("[role=status]")).to_contain_text("The subscription is approved.")
    # Reloading the answer repeats nothing.
    approver.reload()
    expect(approver.locator("main")).to_contain_text("End the subscription")
    dev.reload()
    expect(dev.locator("main")).to_contain_text("Approved")
    expect(dev.locator("main")).to_contain_text("Go on.")
    dev.click("text=End my subscription")
    expect(dev.locator("[role=status]")).to_contain_text("The subscription is removed.")


def pages_of_subscriptions(opened: Opener) -> Iterator[tuple[str, Page]]:
    """Each page, open, with its name."""
    dev = opened(admin=False)
    dev.goto("/portal/subscriptions")
    yield "none yet", dev
    path = asked(dev)
    yield "asked", dev
    for where in (
        "/portal/subscriptions",
        "/portal/subscriptions/new",
        "/portal/subscriptions/new?api=Orders",
    ):
        dev.goto(where)
        yield where, dev
    dev.goto("/portal/subscriptions/new?api=%2Fbilling")
    yield "the form", dev
    dev.goto(path.rpartition("/subscriptions")[0])
    yield "the application", dev
    dev.goto("/portal/apis")
    yield "APIs", dev
    approver = opened(admin=True)
    approver.goto("/portal/subscriptions")
    yield "all", approver
    approver.goto(path)
    yield "to decide", approver
    approver.click("text=Refuse")
    dev.goto(path)
    yield "refused", dev


def test_every_page_of_subscriptions_is_accessible_and_can_be_read_in_the_dark_on_a_small_phone(
    opened: Opener, axe: str
) -> None:
    found = {name: problems(page, axe) for name, page in pages_of_subscriptions(opened)}
    assert {name: texts for name, texts in found.items() if texts} == {}
