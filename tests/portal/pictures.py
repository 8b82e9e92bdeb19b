"""Takes the documentation's pictures of the portal: `python -m tests.portal.pictures FOLDER`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from gateway.commands.demo import shipped_file
from tests.portal.backend import serving
from tests.portal.browser.chromium import ARGUMENTS, executable
from tests.running import Running

NAME, PASSWORD = "admin", "for the pictures"
APPLICATIONS = (
    ("Billing", "Monthly invoices from the orders"),
    ("Mobile app", "The shop in a pocket"),
    ("Warehouse", "Picks and ships what was ordered"),
)


def fill(page: Page) -> str:
    """Signs in and makes applications; the path of the last one."""
    page.goto("/portal/")
    page.fill("#name", NAME)
    page.fill("#password", PASSWORD)
    page.click("button:has-text('Sign in')")
    for name, description in APPLICATIONS:
        page.goto("/portal/applications/new")
        page.fill("#name", name)
        page.fill("#description", description)
        page.click("button:has-text('Make application')")
        path = page.url.partition("?")[0]
        if name != "Billing":
            page.goto(f"{path}/production")
            page.click("text=GENERATE KEYS")
    return path


def traffic(page: Page, base: str, token: str) -> None:
    """Calls an API now and then, so that there is something to see."""
    for target in ("/orders",) * 9 + ("/orders/none",) * 2:
        page.request.get(f"{base}{target}", headers={"Authorization": f"Bearer {token}"})


def take(browser: Browser, base: str, folder: Path) -> None:
    """All pictures."""
    desk = {"width": 1280, "height": 860}
    page = browser.new_page(base_url=base, viewport=desk)
    path = fill(page)
    page.goto("/portal/applications")
    top = {"x": 0, "y": 0, "width": 1280, "height": 420}
    page.screenshot(path=folder / "portal-applications.png", clip=top)
    page.goto(f"{path}/sandbox")
    page.click("text=GENERATE KEYS")
    page.screenshot(path=folder / "portal-keys.png")
    page.check("#token input[value='orders.read']")
    page.click("text=Generate token")
    page.emulate_media(color_scheme="dark")
    page.locator("#token").scroll_into_view_if_needed()
    page.screenshot(path=folder / "portal-token-dark.png")
    page.emulate_media(color_scheme="light")
    traffic(page, base, page.inner_text("#access-token"))
    page.goto(f"{path}/usage")
    while page.locator("svg.chart").count() < len(("calls", "duration", "tokens")):
        page.wait_for_timeout(300)
        page.goto(f"{path}/usage")
    page.screenshot(path=folder / "portal-usage.png")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{path}/production")
    page.screenshot(path=folder / "portal-phone.png")
    page.close()


def main() -> None:
    """Starts the shipped gateway.yaml on free ports, and a browser."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text = shipped_file().read_text().replace("port: 8280", "port: 0").replace("port: 8243", "port: 0")
    text = text.replace("port: 9280", "port: 0")
    with tempfile.TemporaryDirectory(prefix="gp-") as place, serving() as backend:
        gateway = Running(text, Path(place), PORTAL_PASSWORD=PASSWORD, ORDERS_URL=backend)
        try:
            gateway.await_ready()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
                take(browser, gateway.http.replace("0.0.0.0", "localhost"), folder)
                browser.close()
        finally:
            gateway.stop()


if __name__ == "__main__":
    main()
