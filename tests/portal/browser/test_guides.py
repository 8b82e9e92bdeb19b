"""The operator's Markdown pages in a real browser: accessible, readable on a phone, and inert."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.portal.browser.conftest import PATIENCE, sign_in
from tests.portal.browser.test_pages import problems
from tests.portal.conftest import ADMIN, PASSWORD
from tests.running import Running

PAGE = """\
# Getting started

Read [the limits](limits.md#tiers).

## A call

```sh
curl --a-very-long-line-that-is-wider-than-any-phone-and-then-some-more-of-it https://api.example.org/orders
```

| tier | calls |
|---|--:|
| small | 2 |

<script>document.title = 'hacked'</script> <img src=x onerror="document.title='hacked'">
[click](javascript:document.title='hacked') ![x](javascript:1)
"""


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("guides")
    (folder / "start.md").write_text(PAGE)
    (folder / "limits.md").write_text("# Limits\n\n## Tiers\n\nSmall.\n")
    pages = [str(folder / name) for name in ("start.md", "limits.md")]
    users = [{"name": ADMIN, "password": PASSWORD, "admin": True}]
    routes = [{"path": "/reports", "upstream": "orders", "access": "request"}]
    return start(portal={"pages": pages, "users": users}, routes=routes).http


def test_an_administrators_navigation_is_one_line_on_a_desktop(browser: Browser, site: str) -> None:
    with browser.new_context(base_url=site, viewport={"width": 1280, "height": 720}) as context:
        page = context.new_page()
        sign_in(page)
        assert page.locator(".bar nav a").count() == 8, "all that there can be"
        tops = {
            round(one["y"] + one["height"] / 2)
            for selector in (".bar nav a >> nth=0", ".bar nav a >> nth=-1", ".who a", ".who button")
            if (one := page.locator(selector).bounding_box()) is not None
        }
        assert max(tops) - min(tops) <= 2


def test_guides_are_read_and_nothing_of_them_runs(browser: Browser, site: str, axe: str) -> None:
    context = browser.new_context(base_url=site)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    sign_in(page)
    page.click("text=Guides")
    page.wait_for_url("**/portal/pages/start")
    assert page.locator("main script, main img, main [onerror], main [style]").count() == 0
    assert "<script>" in page.inner_text("article")
    assert problems(page, axe) == []
    page.click("article >> text=the limits")
    page.wait_for_url("**/portal/pages/limits#h-tiers")
    assert page.locator("#h-tiers").count() == 1
    assert page.title() == "Limits · Gatepost"
    assert said == []
    context.close()
