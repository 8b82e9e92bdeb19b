"""One's own e-mail address in a real browser: given, confirmed, and told of what an approver decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.portal.page_language import COOKIE
from tests.notices.mail_server import mail_server
from tests.portal.browser.conftest import PATIENCE, THREAD, make_application, sign_in
from tests.portal.browser.test_pages import problems
from tests.portal.test_user_mails import PAGE, Site, address_of, configured, text_of
from tests.running import Running

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def site(start: Callable[..., Running]) -> Iterator[Site]:
    with mail_server() as box:
        yield Site(start(**configured(box.port)), box)


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Opener]:
    """Opens a window in which nobody is signed in."""
    contexts = []

    def begin(**options: Any) -> Page:
        context = browser.new_context(base_url=site.url, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context.new_page()

    yield begin
    for context in contexts:
        THREAD.submit(context.close).result()


def sign_up(page: Page) -> None:
    page.goto("/portal/sign-up")
    page.fill("#name", f"dev-{uuid4().hex[:8]}")
    page.fill("#password", "correct horse")
    page.fill("#again", "correct horse")
    page.click("main button")


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without-javascript"])
def test_from_an_address_to_a_mail_of_the_decision(opened: Opener, site: Site, scripts: bool) -> None:
    dev, address = opened(java_script_enabled=scripts), address_of()
    sign_up(dev)
    dev.click("header .who a")
    dev.click("text=Show my e-mail address")
    dev.fill("#address", address)
    dev.click("text=Send the link")
    expect(dev.locator("[role=status]")).to_contain_text("A mail with a link is on its way.")
    # The link is opened on another device, where nobody is signed in.
    phone = opened(java_script_enabled=scripts)
    phone.goto(site.link_to(address))
    phone.click("text=Confirm the address")
    expect(phone.locator("[role=status]")).to_contain_text("The e-mail address is confirmed.")
    dev.goto(PAGE)
    expect(dev.locator(".facts")).to_contain_text("confirmed")
    make_application(dev, f"Shop {uuid4().hex[:6]}")
    application = dev.url.partition("?")[0]
    dev.click("text=Subscribe to an API")
    dev.click("[aria-label='Subscribe to Asked']")
    dev.click("text=Ask for the subscription")
    expect(dev.locator("[role=status]")).to_contain_text("You have asked")
    path = dev.url.partition("?")[0]
    approver = opened(java_script_enabled=scripts)
    sign_in(approver)
    approver.goto(path)
    approver.fill("#note", "Go on.")
    approver.click("text=Approve")
    expect(approver.locator("[role=status]")).to_contain_text("The subscription is approved.")
    mail = site.await_mail(address, 2)
    assert mail["Subject"] == "[Gatepost] The subscription to Asked is approved"
    assert "Note: Go on.\n" in text_of(mail)
    found = re.search(r"http://127\.0\.0\.1:1(/portal/applications/\w+)\n", text_of(mail))
    assert found is not None
    assert application.endswith(found[1])


def pages_of_mail(page: Page, site: Site) -> Iterator[str]:
    """Opens one page after the other; says which is open."""
    sign_up(page)
    page.goto("/portal/account")
    yield "account"
    page.goto(PAGE)
    yield "no address"
    page.fill("#address", "nobody@-")
    page.locator("form:has(#address)").evaluate("form => form.noValidate = true")
    page.click("form:has(#address) button")
    yield "refused"
    address = f"{'a-long-name-' * 4}{uuid4().hex[:12]}@{'department.' * 10}example.org"
    page.fill("#address", address)
    page.click("form:has(#address) button")
    yield "asked"
    link = site.link_to(address)
    page.goto(link)
    yield "to confirm"
    page.click("main form button")
    yield "confirmed"
    page.goto(link)
    yield "used"
    page.goto(PAGE)
    page.fill("#address", address_of())
    page.click("form:has(#address) button")
    yield "another one asked for"


@pytest.mark.parametrize("tag", ["en", "de", "he"])
def test_the_pages_of_user_mails_are_accessible_in_light_and_dark_and_fit_a_phone(
    opened: Opener, site: Site, axe: str, tag: str
) -> None:
    page = opened()
    page.context.add_cookies([{"name": COOKIE, "value": tag, "url": f"{site.url}/portal"}])
    found = {name: problems(page, axe, colours=tag == "en") for name in pages_of_mail(page, site)}
    assert {name: texts for name, texts in found.items() if texts} == {}
