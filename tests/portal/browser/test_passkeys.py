"""Passkeys in a real Chromium, whose DevTools have an authenticator (WebAuthn.addVirtualAuthenticator)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.portal.browser.conftest import PATIENCE
from tests.portal.browser.test_pages import problems
from tests.portal.pages.test_passkeys import configured
from tests.running import Running

WORD = "correct horse"


@pytest.fixture(scope="module")
def gateway(start: Callable[..., Running]) -> str:
    """Passkeys work for the host of the public URL only."""
    return start(**configured()).http.replace("127.0.0.1", "localhost")


def with_authenticator(page: Page, *, verified: bool = True) -> tuple[CDPSession, str]:
    """Gives the window an authenticator that has what it is asked for; its id."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    return tools, tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def opened(browser: Browser, gateway: str) -> tuple[Page, list[str]]:
    """A window, and what its pages complain of."""
    context = browser.new_context(base_url=gateway)
    context.set_default_timeout(PATIENCE)
    page, said = context.new_page(), list[str]()
    page.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    return page, said


def test_a_passkey_is_added_signs_in_and_is_removed(browser: Browser, gateway: str, axe: str) -> None:
    page, said = opened(browser, gateway)
    tools, authenticator = with_authenticator(page)
    found: list[str] = []

    def look() -> None:
        found.extend(problems(page, axe))

    name = f"dev-{uuid4().hex[:8]}"
    page.goto("/portal/sign-up")
    for field, value in (("#name", name), ("#password", WORD), ("#again", WORD)):
        page.fill(field, value)
    page.click("main button")
    page.goto("/portal/account")
    look()
    page.click("text=Show my passkeys")
    look()
    page.fill("#name", "Work laptop")
    page.click("main button")
    look()
    page.click("text=Create the passkey")
    expect(page.locator("[role=status]")).to_contain_text("The passkey is added.")
    look()
    (made,) = tools.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
    assert (made["rpId"], made["isResidentCredential"]) == ("localhost", True)

    page.click("text=Sign out")
    look()
    page.click("text=Sign in with a passkey")
    page.wait_for_url("**/portal/applications")
    page.goto("/portal/account/passkeys")
    expect(page.locator("tbody tr")).not_to_contain_text("Never")

    # This authenticator has one of the person's already.
    page.fill("#name", "Again")
    page.click("main form.card button")
    page.click("text=Create the passkey")
    expect(page.locator("[data-said]")).to_contain_text("has a passkey of yours already")
    look()
    page.goto("/portal/account/passkeys")
    page.click("tbody button")
    expect(page.locator("[role=status]")).to_contain_text("The passkey is removed")
    page.click("text=Sign out")
    page.click("text=Sign in with a passkey")
    expect(page.locator("[role=alert]")).to_contain_text("This passkey did not sign you in.")
    look()
    refused = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
    assert (found, [one for one in said if one != refused]) == ([], [])
    page.context.close()


def test_who_is_not_verified_is_not_signed_in(browser: Browser, gateway: str) -> None:
    page, _ = opened(browser, gateway)
    with_authenticator(page, verified=False)
    page.goto("/portal/sign-in")
    page.click("text=Sign in with a passkey")
    expect(page.locator("[data-said]")).to_contain_text("No passkey was used")
    expect(page.locator("text=Sign in with a passkey")).to_be_enabled()
    page.context.close()


def test_without_javascript_the_password_is_left(browser: Browser, gateway: str) -> None:
    context = browser.new_context(base_url=gateway, java_script_enabled=False)
    page = context.new_page()
    page.goto("/portal/sign-in")
    expect(page.locator("text=Sign in with a passkey")).to_be_hidden()
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.locator("button:text-is('Sign in')")).to_be_visible()
    context.close()
