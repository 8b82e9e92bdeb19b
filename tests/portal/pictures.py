"""Takes the documentation's pictures of the portal: `python -m tests.portal.pictures FOLDER`."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from gateway.commands.demo import shipped_file
from gateway.store import Store
from gateway.store.usage import CELLS
from tests.conftest import Valkey
from tests.portal.backend import serving
from tests.portal.browser.chromium import ARGUMENTS, executable
from tests.record_keys import MAC
from tests.running import Running

NAME, PASSWORD = "admin", "for the pictures"
PREFIX = "gatepost:"
"""Of the shipped file's keys in the store."""
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
        page.click("button:has-text('Create application')")
        path = page.url.partition("?")[0]
        if name != "Billing":
            page.goto(f"{path}/production")
            page.click("text=GENERATE KEYS")
    return path


async def traffic(store_url: str, client_id: str) -> None:
    """An hour of calls, so that there is something to see."""
    chance, store = random.Random(7), Store(store_url, PREFIX, mac=MAC)  # noqa: S311 (a picture, not a secret)
    await store.start()
    for minute in range(60):
        cells = [0] * CELLS
        calls = 40 + minute + chance.randrange(50)
        limited = chance.randrange(9) if minute % 20 > 15 else 0
        wrong = limited + chance.randrange(6)
        cells[:5] = [calls, chance.randrange(3), wrong, chance.randrange(2), limited]
        cells[5:10] = [calls // 2, calls // 3, calls // 6 + wrong, calls // 40, 0]
        cells[10:] = [int(minute % 15 == 0), int(minute == 33)]
        await store.usage.add(client_id, cells, time.time() - 60 * minute)
    await store.stop()


def shoot(page: Page, file: Path, until: str, top: float = 0) -> None:
    """A picture that ends below an element, not in the middle of one."""
    box = page.locator(until).first.bounding_box()
    assert box is not None
    height = box["y"] + box["height"] + 12 - top
    page.screenshot(path=file, clip={"x": 0, "y": top, "width": 1280, "height": height})


def take(browser: Browser, base: str, store_url: str, folder: Path) -> None:
    """All pictures."""
    services = {"width": 1280, "height": 1800}
    page = browser.new_page(base_url=base, viewport=services, ignore_https_errors=True)
    path = fill(page)
    page.goto("/portal/applications")
    shoot(page, folder / "portal-applications.png", "table.list")
    page.goto(f"{path}/sandbox")
    page.click("text=GENERATE KEYS")
    key = page.inner_text("#consumer-key")
    page.click("text=Run it here")
    page.locator(".checks .done >> nth=2").wait_for()
    shoot(page, folder / "portal-keys.png", ".checks")
    page.click("text=Generate token")
    page.emulate_media(color_scheme="dark")
    page.evaluate("scrollTo(0, document.querySelector('#token').getBoundingClientRect().top + scrollY - 24)")
    shoot(page, folder / "portal-token-dark.png", "#token form")
    page.emulate_media(color_scheme="light")
    with ThreadPoolExecutor() as beside:
        # In this thread Playwright has a loop of its own.
        beside.submit(asyncio.run, traffic(store_url, key)).result()
    page.goto(f"{path}/usage")
    shoot(page, folder / "portal-usage.png", "section.card >> nth=1")
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
    valkey = Valkey()
    valkey.start()
    with tempfile.TemporaryDirectory(prefix="gp-") as place, serving() as backend:
        gateway = Running(
            text,
            Path(place),
            PORTAL_PASSWORD=PASSWORD,
            DEMO_SECRET="a secret for the pictures",
            ORDERS_URL=backend,
            GATEPOST_STORE=valkey.url,
        )
        try:
            gateway.await_ready()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
                take(browser, gateway.https.replace("0.0.0.0", "localhost"), valkey.url, folder)
                browser.close()
        finally:
            gateway.stop()
            valkey.remove()


if __name__ == "__main__":
    main()
