"""Signing in at a real OpenID provider (npm's oidc-provider) in a real browser, also without JavaScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.portal.browser.chromium import AXE
from tests.portal.browser.conftest import PATIENCE, THREAD, missing
from tests.portal.browser.test_pages import FULL, PHONE, problems, violations
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.pages.test_provider import CALLBACK, configured
from tests.portal.scripted_provider import CLIENT, SECRET, scripted_provider
from tests.running import Running

PACKAGES = Path(os.environ.get("GATEPOST_NPM", AXE.parents[2]))
PROGRAM = Path(__file__).parents[2] / "e2e" / "npm" / "oidc-provider.mjs"
PROVIDER = "oidc-provider"


@pytest.fixture(scope="module")
def sections() -> Iterator[dict[str, dict[str, object]]]:
    """The sections of a gateway.yaml whose provider runs."""
    if not shutil.which("node") or not (PACKAGES / "node_modules" / PROVIDER).is_dir():
        missing(PROVIDER)
    wanted = configured("", allow=None)
    public = wanted["server"]["public_url"]
    given = {
        "client": CLIENT,
        "secret": SECRET,
        "redirect": public + CALLBACK,
        "back": f"{public}/portal/sign-in",
    }
    process = subprocess.Popen(
        ["node", "--input-type=module", "-"],
        cwd=PACKAGES,
        env={**os.environ, "GATEPOST": json.dumps(given)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write(PROGRAM.read_text())
        process.stdin.close()
        wanted["portal"]["oidc"]["issuer"] = process.stdout.readline().strip()
        yield wanted
        process.kill()


@pytest.fixture(scope="module")
def gateway(start: Callable[..., Running], sections: dict[str, dict[str, object]]) -> str:
    return start(**sections).http


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


def at_provider(page: Page, name: str) -> None:
    """Signs in at the provider, and agrees to what the portal asks for."""
    page.click("text=Sign in with Company login")
    page.fill("[name=login]", name)
    page.fill("[name=password]", "any")
    page.click("button[type=submit]")
    page.click("button:has-text('Continue')")
    page.wait_for_url("**/portal/**")


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without-javascript"])
def test_sign_in_at_a_provider_an_application_and_sign_out(
    browser: Browser, opened: Callable[..., Page], axe: str, scripts: bool
) -> None:
    del browser  # so that the test runs where the browser lives
    name, found = f"dev-{uuid4().hex[:8]}", []
    page = opened(java_script_enabled=scripts, viewport=PHONE)

    def look(shot: str) -> None:
        found.extend(problems(page, axe) if scripts else [])
        if folder := os.environ.get("GATEPOST_PICTURES"):
            page.screenshot(path=Path(folder) / f"{shot}-{scripts}.png", full_page=True)

    look("sign-in")
    at_provider(page, name)
    expect(page.locator("h1")).to_contain_text("Your applications")
    page.goto("/portal/applications/new")
    page.fill("#name", "Shop")
    page.click("button:has-text('Create application')")
    expect(page.locator("[role=status]")).to_contain_text("The application is created.")
    page.click(f"text={name}")
    look("account")
    page.click("text=Delete my account")
    look("delete")
    page.click("button:has-text('Sign out')")
    expect(page.locator("[role=status]")).to_contain_text("You are signed out of the portal.")
    look("signed-out")
    page.click("text=Sign out there, too")
    page.click("button[value=yes]")
    page.wait_for_url("**/portal/sign-in*")
    # The provider asks again.
    page.click("text=Sign in with Company login")
    expect(page.locator("[name=login]")).to_be_visible()
    assert found == []


def test_an_administrator_of_the_provider_sees_who_came_from_there(
    browser: Browser, opened: Callable[..., Page], axe: str
) -> None:
    del browser
    name, boss = f"dev-{uuid4().hex[:8]}", f"boss-{uuid4().hex[:8]}"
    first, second = opened(), opened()
    at_provider(first, name)
    at_provider(second, boss)
    second.goto(f"/portal/users?search={name}")
    expect(second.locator("tbody").last).to_contain_text("Signs in at http://127.0.0.1")
    if folder := os.environ.get("GATEPOST_PICTURES"):
        second.screenshot(path=Path(folder) / "users.png", full_page=True)
    assert violations(second, axe, FULL) == []
    second.goto("/portal/account")
    expect(second.locator("dl")).to_contain_text("Administrator")


def test_a_forged_answer_and_a_replayed_one_sign_nobody_in(
    browser: Browser, opened: Callable[..., Page], axe: str
) -> None:
    del browser
    page, victim, seen = opened(), opened(), []
    page.on("request", lambda request: seen.append(request.url))
    at_provider(page, f"dev-{uuid4().hex[:8]}")
    (answer,) = [url for url in seen if urlsplit(url).path == CALLBACK]
    assert set(parse_qs(urlsplit(answer).query)) == {"code", "state", "iss"}
    # In the same browser, and in that of somebody who has begun a sign-in.
    for one in (page, victim):
        one.goto("/portal/sign-in/provider")
        one.goto(answer)
        expect(one.locator("[role=alert]")).to_contain_text("Please start again")
        assert violations(one, axe, FULL) == []
    victim.goto("/portal/applications")
    expect(victim.locator("h1")).to_contain_text("Sign in")


def test_with_the_provider_down_the_password_form_works(
    browser: Browser, start: Callable[..., Running], sections: dict[str, dict[str, object]], axe: str
) -> None:
    del sections
    # Nothing listens on this port.
    gateway = start(**configured("http://127.0.0.1:1")).http
    context = browser.new_context(base_url=gateway, viewport={"width": 360, "height": 760})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/portal/sign-in")
    page.click("text=Sign in with Company login")
    expect(page.locator("[role=alert]")).to_contain_text("can't be reached")
    assert violations(page, axe, FULL) == []
    if folder := os.environ.get("GATEPOST_PICTURES"):
        page.screenshot(path=Path(folder) / "down-360.png", full_page=True)
    page.fill("#name", ADMIN)
    page.fill("#password", PASSWORD)
    page.click("button:has-text('Sign in')")
    page.wait_for_url("**/portal/applications")
    context.close()


def test_over_https_the_cookie_of_a_sign_in_is_the_host_s_own(
    browser: Browser, start: Callable[..., Running]
) -> None:
    with scripted_provider() as provider:
        provider.reset("1", preferred_username="ada", roles="developer")
        provider.asks = True
        sections = configured(provider.url)
        (listener,) = sections["server"]["listen"]
        listener["tls"] = "auto"
        sections["server"]["public_url"] = f"https://localhost:{listener['port']}"
        start(**sections)
        context = browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(f"{sections['server']['public_url']}/portal/sign-in")
        page.click("text=Sign in with Company login")
        page.locator("text=Go on").wait_for()
        assert named(context) == ["__Host-gatepost-sign-in"]
        page.click("text=Go on")
        expect(page.locator("header")).to_contain_text("ada")
        assert named(context) == ["__Secure-gatepost-portal"]
        context.close()


def named(context: BrowserContext) -> list[str]:
    """The cookies that sign somebody in."""
    names = (one.get("name", "") for one in context.cookies())
    return [name for name in names if name.endswith(("gatepost-sign-in", "gatepost-portal"))]
