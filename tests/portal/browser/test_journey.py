"""From signing in to an answer of an API, as a person does it, with JavaScript and without."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Route, expect

from tests.portal.browser.conftest import make_application, sign_in
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import call

Window = Callable[..., Page]
FORM = {"grant_type": "client_credentials"}


def shell(block: str, gateway: str) -> str:
    """What a block writes that is pasted into a shell."""
    # The address in the tests' gateway.yaml is not the one that the kernel chose.
    pasted = block.replace("http://127.0.0.1:1/", f"{gateway}/")
    return subprocess.run(
        ["sh"], input=pasted, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}
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
    keys = page.url.partition("?")[0]
    key, secret = page.inner_text("#consumer-key"), page.inner_text("#consumer-secret")
    assert shell(page.inner_text("#program-1"), gateway).startswith("HTTP/1.1 200 OK")

    # A token by hand.
    page.click("text=Advanced: scopes and validity period")
    page.uncheck("#token input[value='orders.write']")
    page.fill("#validity", "600")
    page.click("text=Generate token")
    expect(page.locator("#token")).to_contain_text("validity period of 600 seconds")
    by_hand = page.inner_text("#access-token")
    assert call(gateway, "/orders/9", bearer=by_hand) == (200, {"path": "/9"})

    # The grant is taken away and given back.
    page.click("nav >> text=Settings")
    page.uncheck("#configuration input[value='client_credentials']")
    with page.expect_navigation():
        page.click("#configuration button:has-text('Save')")
    expect(page.locator(".note[role=status]")).to_contain_text("Saved.")
    assert status(gateway, f"{key}:{secret}") == 400
    page.check("#configuration input[value='client_credentials']")
    with page.expect_navigation():
        page.click("#configuration button:has-text('Save')")
    expect(page.locator(".note[role=status]")).to_contain_text("Saved.")
    assert status(gateway, f"{key}:{secret}") == 200

    # Two secrets live at once after a rotation.
    page.click("nav >> text=Secrets")
    page.click("text=Rotate the secret")
    expect(page.locator(".note[role=status]")).to_contain_text("The secret is rotated")
    fresh = page.inner_text("#consumer-secret")
    assert fresh != secret
    assert [status(gateway, f"{key}:{one}") for one in (secret, fresh)] == [200, 200]

    # A token ends when it is pasted.
    page.click("nav >> text=Danger")
    page.fill("#revoke-field", by_hand)
    page.click("text=Revoke this token")
    expect(page.locator(".note[role=status]")).to_contain_text("The token is revoked")
    assert call(gateway, "/orders", bearer=by_hand)[0] == 401

    # The secret is there until it is stored.
    page.goto(keys)
    assert page.inner_text("#consumer-secret") == fresh
    page.click("text=I have stored it")
    expect(page.locator(".note[role=status]")).to_contain_text("It is not shown any more")
    expect(page.locator("#consumer-secret")).to_have_count(0)


def test_from_signing_in_to_a_200_it_takes_fewer_than_20_actions(window: Window) -> None:
    page, taken = window(), Counter[str]()

    def act(what: str, *arguments: str) -> None:
        taken[what] += 1
        getattr(page, what)(*arguments)

    act("goto", "/portal/")
    act("fill", "#name", ADMIN)
    act("fill", "#password", PASSWORD)
    act("click", "button:has-text('Sign in')")
    act("click", ".head >> text=New application")
    act("fill", "#name", f"Stopwatch {uuid4().hex[:6]}")
    act("click", "text=Create application")
    act("click", "text=Get production keys")
    act("click", "text=GENERATE KEYS")
    act("click", "text=Run it here")
    expect(page.locator(".run .answer")).to_contain_text("200 OK after")
    assert taken.total() < 20
    # The gateway's own counts turn the list green, without anything being done.
    expect(page.locator(".checks .done")).to_have_count(3, timeout=30_000)


def test_a_second_click_does_not_cancel_the_answer_with_the_secret(window: Callable[..., Page]) -> None:
    page = window()
    sign_in(page)
    make_application(page, f"Clicked twice {uuid4().hex[:6]}")
    page.click("text=Get production keys")
    sent: list[str] = []

    def hold(route: Route) -> None:
        # Long enough for the second click.
        sent.append(route.request.url)
        time.sleep(0.5)
        route.continue_()

    page.route("**/generate-keys", hold)
    page.evaluate(
        """() => {
            const button = document.querySelector('form[action*="generate-keys"] button');
            button.click();
            setTimeout(() => button.click(), 100);
        }"""
    )
    expect(page.locator("#consumer-secret")).to_contain_text("gps_")
    expect(page.locator("[role=status]").first).to_contain_text("The keys are generated.")
    assert len(sent) == 1


def test_reloading_repeats_no_action(window: Window, gateway: str) -> None:
    page, sent = window(), []
    sign_in(page)
    make_application(page, f"Reload {uuid4().hex[:6]}")
    page.click("text=Get production keys")
    page.click("text=GENERATE KEYS")
    page.click("text=Generate token")
    token = page.inner_text("#access-token")
    page.click("nav >> text=Secrets")
    page.click("text=Rotate the secret")
    expect(page.locator(".note[role=status]")).to_contain_text("The secret is rotated")
    secret = page.inner_text("#consumer-secret")
    page.on("request", lambda request: sent.append(request.method))
    page.reload()
    assert page.inner_text("#consumer-secret") == secret
    page.click("nav >> text=Quick start")
    page.reload()
    assert page.inner_text("#access-token") == token
    assert set(sent) == {"GET"}


def test_each_language_is_chosen_by_the_keyboard(window: Window) -> None:
    page = window(java_script_enabled=False)
    sign_in(page)
    make_application(page, f"Languages {uuid4().hex[:6]}")
    page.click("text=Get production keys")
    page.click("text=GENERATE KEYS")
    page.locator("input[name=language]").first.focus()
    shown = []
    for _ in range(6):
        (visible,) = [one for one in page.locator(".program").all() if one.is_visible()]
        shown.append(visible.locator("pre").get_attribute("aria-label"))
        page.keyboard.press("ArrowRight")
    assert shown == ["curl", "Python", "JavaScript", "Go", "Java", "C#"]


def test_what_is_copied_is_what_is_shown(window: Window, gateway: str) -> None:
    page = window(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page)
    make_application(page, f"Copy {uuid4().hex[:6]}")
    page.click("text=Get sandbox keys")
    page.click("text=GENERATE KEYS")
    page.click("[data-copy=program-1]")
    expect(page.locator("[data-copy=program-1]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.text_content("#program-1")
    assert "200 OK" in shell(copied, gateway)


def test_an_api_can_be_tried_on_its_page(window: Window) -> None:
    page = window()
    sign_in(page)
    page.goto("/portal/apis")
    card = page.locator("article", has_text="public, no token needed")
    card.locator("button:has-text('Send')").click()
    expect(card.locator(".answer")).to_contain_text("200 OK")
    locked = page.locator("article", has_text="orders.read")
    locked.locator("input[name=token]").fill("made-up")
    locked.locator("button:has-text('Send')").click()
    expect(locked.locator(".answer")).to_contain_text("900901")


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
    expect(page.locator(".note[role=status]")).to_contain_text("The application is created")
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
