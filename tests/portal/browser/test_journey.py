"""From signing in to an answer of an API, as a person does it, with JavaScript and without."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.portal.browser.conftest import make_application, sign_in
from tests.portal.reader import call

Window = Callable[..., Page]
FORM = {"grant_type": "client_credentials"}


def shell(line: str, gateway: str, **variables: str) -> str:
    """What a pasted command writes."""
    # The address in the tests' gateway.yaml is not the one that the kernel chose.
    command = line.replace("http://127.0.0.1:1/", f"{gateway}/").replace("curl ", "curl -s ", 1)
    environment = {"PATH": "/usr/bin:/bin", **variables}
    return subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=True, env=environment
    ).stdout


def status(gateway: str, credentials: str) -> int:
    """What the token endpoint says to these keys."""
    return int(call(gateway, "/token", FORM, basic=credentials)[0])


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_whole_way(window: Window, gateway: str, scripts: bool) -> None:
    page = window(java_script_enabled=scripts)
    sign_in(page)
    make_application(page, f"Journey {uuid4().hex[:6]}")
    page.click("text=Get production keys")
    page.click("text=GENERATE KEYS")
    key, secret = page.inner_text("#consumer-key"), page.inner_text("#consumer-secret")
    token = json.loads(shell(page.inner_text("#curl-token"), gateway))["access_token"]
    assert shell(page.inner_text("#curl-call"), gateway, TOKEN=token) == '{"path": "/"}'

    # A token by hand.
    page.check("#token input[value='orders.read']")
    page.fill("#validity", "600")
    page.click("text=Generate token")
    expect(page.locator("#token")).to_contain_text("validity period of 600 seconds")
    by_hand = page.inner_text("#access-token")
    assert call(gateway, "/orders/9", bearer=by_hand) == (200, {"path": "/9"})

    # The grant is taken away and given back.
    page.uncheck("#configuration input[value='client_credentials']")
    page.click("#configuration button:has-text('Save')")
    expect(page.locator("#token")).to_contain_text("Enable the Client credentials grant")
    assert status(gateway, f"{key}:{secret}") == 400
    page.check("#configuration input[value='client_credentials']")
    page.click("#configuration button:has-text('Save')")
    assert status(gateway, f"{key}:{secret}") == 200

    # Two secrets live at once after a rotation.
    page.click("text=Rotate the secret")
    fresh = page.inner_text("#consumer-secret")
    assert fresh != secret
    assert [status(gateway, f"{key}:{one}") for one in (secret, fresh)] == [200, 200]

    # A token ends when it is pasted.
    page.fill("#revoke-field", by_hand)
    page.click("text=Revoke this token")
    expect(page.locator("[role=status]")).to_contain_text("The token is revoked")
    assert call(gateway, "/orders", bearer=by_hand)[0] == 401


def test_what_is_copied_is_what_is_shown(window: Window, gateway: str) -> None:
    page = window(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page)
    make_application(page, f"Copy {uuid4().hex[:6]}")
    page.click("text=Get sandbox keys")
    page.click("text=GENERATE KEYS")
    page.click("[data-copy=curl-token]")
    expect(page.locator("[data-copy=curl-token]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.inner_text("#curl-token")
    assert "access_token" in shell(copied, gateway)


def test_an_api_can_be_tried_on_its_page(window: Window) -> None:
    page = window()
    sign_in(page)
    page.goto("/portal/apis")
    card = page.locator("article", has_text="public, no token needed")
    card.locator("button:has-text('Send')").click()
    expect(card.locator("pre")).to_contain_text("200 OK")
    locked = page.locator("article", has_text="orders.read")
    locked.locator("input[name=token]").fill("made-up")
    locked.locator("button:has-text('Send')").click()
    expect(locked.locator("pre")).to_contain_text("900901")


def test_the_keyboard_alone_is_enough(window: Window) -> None:
    page = window()
    page.goto("/portal/")
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    expect(page.locator("#password")).to_be_focused()
    page.keyboard.type("a s3cret word")
    page.keyboard.press("Enter")
    page.wait_for_url("**/portal/applications")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    reach(page, "New application")
    page.keyboard.press("Enter")
    page.wait_for_url("**/new")
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type(f"Keys {uuid4().hex[:6]}")
    page.keyboard.press("Enter")
    expect(page.locator("[role=status]")).to_contain_text("The application is created")
    reach(page, "Get production keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/production")
    reach(page, "GENERATE KEYS")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#consumer-secret")).to_contain_text("gps_")


def reach(page: Page, text: str) -> None:
    """Presses Tab until what bears the text has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == text:
            return
    raise AssertionError(f"Tab never comes to {text}")
