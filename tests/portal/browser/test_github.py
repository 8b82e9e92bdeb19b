"""Signing in at GitHub in a real browser, beside another provider, also without JavaScript."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.portal.browser.conftest import PATIENCE, THREAD
from tests.portal.browser.test_pages import FULL, PHONE, problems, violations
from tests.portal.pages.test_github import both
from tests.portal.scripted_github import Account, ScriptedGithub, scripted_github
from tests.portal.scripted_provider import ScriptedProvider, scripted_provider
from tests.running import Running


@pytest.fixture(scope="module")
def company() -> Iterator[ScriptedProvider]:
    with scripted_provider() as one:
        yield one


@pytest.fixture(scope="module")
def github() -> Iterator[ScriptedGithub]:
    with scripted_github() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(start: Callable[..., Running], github: ScriptedGithub, company: ScriptedProvider) -> str:
    return start(**both(github, company)).http


@pytest.fixture
def opened(browser: Browser, gateway: str) -> Iterator[Callable[..., Page]]:
    """Opens the page to sign in."""
    contexts: list[BrowserContext] = []

    def begin(**options: object) -> Page:
        context = browser.new_context(base_url=gateway, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto("/portal/sign-in")
        return page

    yield begin
    for context in contexts:
        THREAD.submit(context.close).result()


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without-javascript"])
def test_github_sign_in_an_application_and_sign_out(
    browser: Browser, opened: Callable[..., Page], github: ScriptedGithub, axe: str, scripts: bool
) -> None:
    del browser  # so that the test runs where the browser lives
    login, found = f"ada-{uuid4().hex[:8]}", []
    github.reset(Account(int(uuid4().hex[:7], 16) + 1, login).join("acme", 12, "gatepost-admins"))
    github.asks = True
    page = opened(java_script_enabled=scripts, viewport=PHONE)

    def look(shot: str) -> None:
        found.extend(problems(page, axe) if scripts else [])
        if folder := os.environ.get("GATEPOST_PICTURES"):
            page.screenshot(path=Path(folder) / f"github-{shot}-{scripts}.png", full_page=True)

    expect(page.locator("text=Sign in with Company login")).to_be_visible()
    look("sign-in")
    page.click("text=Sign in with GitHub")
    expect(page.locator("h1")).to_contain_text("Authorize Gatepost")
    expect(page.locator("p")).to_contain_text("read:org")
    page.click("text=Authorize >> nth=-1")
    page.wait_for_url("**/portal/applications")
    page.goto("/portal/applications/new")
    page.fill("#name", "Shop")
    page.click("button:has-text('Create application')")
    expect(page.locator("[role=status]")).to_contain_text("The application is created.")
    page.goto("/portal/account")
    expect(page.locator("dl")).to_contain_text(login)
    expect(page.locator("dl")).to_contain_text("Administrator")
    expect(page.locator("main")).to_contain_text("You sign in at GitHub, and have no password here.")
    look("account")
    page.goto(f"/portal/users?search={login}")
    expect(page.locator("tbody").last).to_contain_text(f"Signs in at {github.url}")
    page.click("button:has-text('Sign out')")
    expect(page.locator("[role=status]")).to_contain_text("You are signed out of the portal.")
    look("signed-out")
    page.click("text=Sign out there, too")
    expect(page.locator("h1")).to_contain_text("Are you sure you want to sign out?")
    assert found == []


def test_github_who_cancels_or_is_no_member_is_told_so(
    browser: Browser, opened: Callable[..., Page], github: ScriptedGithub, axe: str
) -> None:
    del browser
    github.reset(Account(7, "eve"))
    github.asks = True
    page = opened(viewport=PHONE)
    page.click("text=Sign in with GitHub")
    page.click("text=Cancel")
    expect(page.locator("[role=alert]")).to_contain_text("GitHub did not sign you in.")
    assert violations(page, axe, FULL) == []
    page.click("text=Sign in with GitHub")
    page.click("text=Authorize >> nth=-1")
    expect(page.locator("[role=alert]")).to_contain_text("You may not use this portal.")
    assert violations(page, axe, FULL) == []
    page.goto("/portal/applications")
    expect(page.locator("h1")).to_contain_text("Sign in")


def test_github_beside_another_provider_is_another_account(
    browser: Browser, opened: Callable[..., Page], github: ScriptedGithub, company: ScriptedProvider
) -> None:
    del browser
    name = f"ada-{uuid4().hex[:8]}"
    github.reset(Account(int(uuid4().hex[:7], 16) + 1, name).join("acme", 12))
    company.reset(uuid4().hex, preferred_username=name, roles=["developer"])
    first, second = opened(), opened()
    first.click("text=Sign in with GitHub")
    expect(first.locator("header")).to_contain_text(name)
    second.click("text=Sign in with Company login")
    expect(second.locator("header")).to_contain_text(f"{name}-")
