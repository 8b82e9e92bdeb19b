"""The operator's colours in a real browser: as readable as the portal's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.portal.browser.conftest import PATIENCE, make_application, sign_in
from tests.portal.browser.test_pages import FULL, violations
from tests.portal.conftest import ADMIN, PASSWORD
from tests.running import Running

LOGO = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><circle cx='5' cy='5' r='4'/></svg>"


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> str:
    logo: Path = tmp_path_factory.mktemp("brand") / "logo.svg"
    logo.write_text(LOGO)
    users = [{"name": ADMIN, "password": PASSWORD, "admin": True}]
    brand = {"name": "Acme", "logo": str(logo), "accent": "#8a2f8f", "terms": "https://example.org/terms"}
    return start(portal={"sign_up": True, "users": users, "brand": brand}).http


@pytest.mark.parametrize(
    ("scheme", "button"), [("light", "rgb(138, 47, 143)"), ("dark", "rgb(175, 114, 179)")]
)
def test_a_portal_in_other_colours_is_accessible(
    browser: Browser, site: str, axe: str, scheme: str, button: str
) -> None:
    context = browser.new_context(base_url=site, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto("/portal/sign-up")
    assert page.evaluate("document.querySelector('.brand img').naturalWidth") > 0
    background = "getComputedStyle(document.querySelector('main button')).backgroundColor"
    assert page.evaluate(background) == button
    found = violations(page, axe, FULL)
    sign_in(page)
    found += violations(page, axe, FULL)
    make_application(page, f"Colours {scheme}")
    found += violations(page, axe, FULL)
    page.goto("/portal/apis")
    found += violations(page, axe, FULL)
    assert found == []
    assert said == []
    context.close()
