"""The webhook of an application in a real browser: set, tested, switched off by 410, switched on again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.notices.receiver import NoticeReceiver, receiving, until
from tests.portal.browser.conftest import PATIENCE, THREAD, make_application, sign_in
from tests.portal.browser.test_pages import problems
from tests.portal.conftest import ADMIN, PASSWORD
from tests.running import Running

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def site(start: Callable[..., Running]) -> str:
    users = [{"name": ADMIN, "password": PASSWORD, "admin": True}]
    portal = {"sign_up": True, "users": users, "webhooks": True, "webhook_networks": ["127.0.0.0/8"]}
    route = {"path": "/orders", "upstream": "orders", "access": "request", "docs": {"title": "Orders"}}
    return start(portal=portal, routes=[route], tokens={"key": "k" * 32}).http


@pytest.fixture
def opened(browser: Browser, site: str) -> Iterator[Opener]:
    """Opens a window in which the administrator is signed in."""
    contexts = []

    def begin(**options: Any) -> Page:
        context = browser.new_context(base_url=site, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        sign_in(page)
        return page

    yield begin
    for context in contexts:
        THREAD.submit(context.close).result()


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    with receiving() as one:
        yield one


def set_webhook(page: Page, receiver: NoticeReceiver) -> str:
    """Makes an application with a webhook; its path. The secret is shown."""
    make_application(page, f"Shop {uuid4().hex[:6]}")
    path = page.url.partition("?")[0]
    page.click("nav.tabs >> text=Webhook")
    page.fill("#url", receiver.url)
    page.click("button:has-text('Save the URL')")
    receiver.secret = page.inner_text("#webhook-secret")
    return path


def decide(page: Page, path: str) -> None:
    """Has something happen to the application of which its webhook is told."""
    page.goto("/portal/subscriptions/new?api=Orders")
    page.select_option("#application", path.rpartition("/")[2])
    page.click("text=Ask for the subscription")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_webhook_is_set_tested_switched_off_by_410_and_on_again(
    opened: Opener, receiver: NoticeReceiver, javascript: bool
) -> None:
    page = opened(java_script_enabled=javascript)
    path = set_webhook(page, receiver)
    assert receiver.secret.startswith("whsec_")
    page.click("text=I have stored it")
    expect(page.locator("#webhook-secret")).to_have_count(0)
    page.click("text=Send a test notice")
    expect(page.locator("[role=status]")).to_contain_text("The test notice was taken")
    decide(page, path)
    until(lambda: receiver.types == ["webhook.test", "subscription.requested"])
    receiver.status = 410
    page.click("text=Approve")
    expect(page.locator("[role=status]")).to_contain_text("The subscription is approved.")

    def switched_off() -> bool:
        page.goto(f"{path}/webhook")
        return page.locator(".tag.bad").count() > 0

    until(switched_off)
    expect(page.locator("main")).to_contain_text("The receiver answered 410: it wants no more notices.")
    told = len(receiver.ids)
    receiver.status = 200
    page.click("button:has-text('Save the URL')")
    expect(page.locator(".tag.good")).to_have_text("Enabled")
    page.goto("/portal/subscriptions")
    page.click(f"a[href^='{path[path.index('/portal') :]}/subscriptions/']")
    page.click("text=End the subscription")
    until(lambda: len(receiver.ids) > told and receiver.types[-1] == "subscription.ended")


def test_a_webhook_is_managed_with_the_keyboard_alone(opened: Opener, receiver: NoticeReceiver) -> None:
    page = opened()
    make_application(page, f"Shop {uuid4().hex[:6]}")
    reach(page, "nav.tabs a[href$='/webhook']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/webhook")
    reach(page, "#url")
    page.keyboard.type(receiver.url)
    page.keyboard.press("Enter")
    expect(page.locator("#webhook-secret")).to_be_visible()
    receiver.secret = page.inner_text("#webhook-secret")
    for button, words in (
        ("form[action$='/stored'] button", "Enabled"),
        ("form[action$='/test'] button", "The test notice was taken"),
        ("form[action$='/remove'] button", "The webhook is removed."),
    ):
        reach(page, button)
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_contain_text(words)


def reach(page: Page, selector: str) -> None:
    """Goes to an element with the tab key."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("chosen => document.activeElement.matches(chosen)", selector):
            return
    raise AssertionError(f"the tab key does not lead to {selector}")


def test_every_state_of_a_webhook_is_accessible_and_can_be_read_in_the_dark_on_a_small_phone(
    opened: Opener, receiver: NoticeReceiver, axe: str
) -> None:
    page, found = opened(), {}
    make_application(page, f"Shop {uuid4().hex[:6]}")
    page.click("nav.tabs >> text=Webhook")
    found["none yet"] = problems(page, axe)
    page.fill("#url", "https://10.0.0.1/")
    page.click("button:has-text('Save the URL')")
    found["refused"] = problems(page, axe)
    set_webhook(page, receiver)
    found["with its secret"] = problems(page, axe)
    receiver.status = 500
    page.click("text=Send a test notice")
    found["with an outcome"] = problems(page, axe)
    page.evaluate("document.querySelector('[name=seen]').value = '\"0000\"'")
    page.fill("#url", "https://mine.example.org/")
    page.click("button:has-text('Save the URL')")
    expect(page.locator("[role=alert]")).to_contain_text("changed meanwhile")
    found["changed meanwhile"] = problems(page, axe)
    assert {name: texts for name, texts in found.items() if texts} == {}
