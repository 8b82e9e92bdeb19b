"""One browser for all its tests. It lives in a thread of its own, apart from other tests' event loops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.portal.browser.chromium import ARGUMENTS, AXE, executable
from tests.portal.conftest import ADMIN, PASSWORD

THREAD = ThreadPoolExecutor(1, "browser")
PATIENCE = 15_000
"""Milliseconds that the browser waits for what it is told to find."""


def missing(what: str) -> None:
    """Skips by name where something is not installed; where all must run, fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not there: scripts/browser installs it")
    pytest.skip(f"{what} is not there: scripts/browser installs it")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs the tests that use the browser where the browser lives."""
    if "browser" not in pyfuncitem.fixturenames:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    THREAD.submit(pyfuncitem.obj, **arguments).result()
    return True


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = executable()
    if path is None:
        missing("Chromium")
    playwright = THREAD.submit(lambda: sync_playwright().start()).result()
    started = THREAD.submit(playwright.chromium.launch, executable_path=path, args=ARGUMENTS).result()
    yield started
    THREAD.submit(started.close).result()
    THREAD.submit(playwright.stop).result()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    if not AXE.is_file():
        missing("axe-core")
    return AXE.read_text()


@pytest.fixture
def window(browser: Browser, gateway: str) -> Iterator[Callable[..., Page]]:
    """Opens windows in which nobody is signed in."""
    contexts: list[BrowserContext] = []

    def begin(**options: Any) -> Page:
        context = browser.new_context(base_url=gateway, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context.new_page()

    yield begin
    for context in contexts:
        THREAD.submit(context.close).result()


def sign_in(page: Page) -> None:
    """Signs the administrator in."""
    page.goto("/portal/")
    page.fill("#name", ADMIN)
    page.fill("#password", PASSWORD)
    page.click("button:has-text('Sign in')")
    page.wait_for_url("**/portal/applications")


def make_application(page: Page, name: str) -> None:
    """Makes an application, and stays on its page."""
    page.goto("/portal/applications/new")
    page.fill("#name", name)
    page.click("button:has-text('Create application')")
