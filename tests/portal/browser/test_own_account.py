"""One's sessions and the end of one's account in a real browser, also without JavaScript."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.portal.browser.conftest import PATIENCE
from tests.portal.browser.test_pages import PHONE, problems

PASSWORD = "correct horse"


def opened(browser: Browser, gateway: str, name: str, *, new: bool, **options: object) -> Page:
    """A window in which a developer is signed in."""
    context = browser.new_context(base_url=gateway, **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/portal/sign-up" if new else "/portal/sign-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    if new:
        page.fill("#again", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/portal/applications*")
    return page


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without-javascript"])
def test_sessions_are_ended_and_the_account_is_deleted(
    browser: Browser, gateway: str, axe: str, scripts: bool
) -> None:
    name = f"dev-{uuid4().hex[:8]}"
    page = opened(browser, gateway, name, new=True, java_script_enabled=scripts, viewport=PHONE)
    other = opened(browser, gateway, name, new=False)
    found: list[str] = []

    def look() -> None:
        found.extend(problems(page, axe) if scripts else [])

    page.click(f"text={name}")
    look()
    page.click("text=Show my sessions")
    look()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.click("tbody button:has-text('End')")
    expect(page.locator("[role=status]")).to_contain_text("The session has ended.")
    other.goto("/portal/applications")
    expect(other.locator("h1")).to_contain_text("Sign in")
    page.goto("/portal/account")
    page.click("text=Delete my account")
    look()
    page.fill("#current", "wrong")
    page.click("button:has-text('Delete my account')")
    look()
    page.fill("#current", PASSWORD)
    page.click("button:has-text('Delete my account')")
    expect(page.locator("[role=status]")).to_contain_text("Your account is deleted.")
    assert found == []
    for window in (page, other):
        window.context.close()
