"""The documentation of an API in a real browser: tried, accessible, and inert whatever its document has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Valkey
from tests.portal.browser.conftest import PATIENCE, THREAD, make_application, sign_in
from tests.portal.browser.test_pages import problems
from tests.portal.conftest import config
from tests.portal.pages.test_api_docs import DOCUMENT, documented
from tests.running import Running

PAGES = ("/portal/apis", "/portal/apis/orders", "/portal/apis/orders/get-orders-id")


@pytest.fixture(scope="module")
def site(
    start: Callable[..., Running], valkey: Valkey, backend: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    file = tmp_path_factory.mktemp("docs") / "orders.json"
    file.write_text(json.dumps(DOCUMENT))
    routes = documented(config(backend, valkey.url)["routes"], file)
    return start(routes=routes, plugins=[{"use": "request_id"}]).http


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens a window in which the administrator is signed in."""
    contexts = []

    def begin(**options: Any) -> Page:
        context = browser.new_context(base_url=site, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        sign_in(page)
        return page

    yield begin
    for context in contexts:
        THREAD.submit(context.close).result()


def with_keys(page: Page) -> None:
    make_application(page, f"Docs {uuid4().hex[:6]}")
    page.click("text=Get production keys")
    page.click("text=GENERATE KEYS")
    expect(page.locator("#consumer-secret")).to_contain_text("gps_")


def test_an_operation_is_tried_with_a_token_of_one_s_own(open_page: Callable[..., Page]) -> None:
    page = open_page()
    with_keys(page)
    page.goto(PAGES[2])
    page.click("text=Get a token")
    expect(page.locator("#access-token")).to_have_value(re.compile("gpt_.+"))
    page.fill("[data-parameter=id]", "a/b ?#")
    page.click("button:has-text('Send')")
    answer = page.locator(".answer")
    expect(answer).to_contain_text("200 OK after")
    expect(answer).to_contain_text('"path": "/a%2Fb%20%3F%23')
    expect(answer).to_contain_text("Request id")
    page.click("text=Response headers")
    expect(answer).to_contain_text("content-type: application/json")


def test_a_refusal_leads_to_its_cause(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(PAGES[2])
    page.fill("#access-token", "made-up")
    page.click("button:has-text('Send')")
    expect(page.locator(".answer")).to_contain_text("401")
    page.click("text=Why was it refused?")
    expect(page.locator("#request")).not_to_be_empty()


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_call_does_not_leave_the_path_of_its_operation(open_page: Callable[..., Page], value: str) -> None:
    page = open_page()
    page.goto(PAGES[2])
    page.evaluate("document.querySelector('[data-parameter=id]').required = false")
    page.fill("[data-parameter=id]", value)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.click("button:has-text('Send')")
    expect(page.locator(".answer")).to_contain_text("id can’t be")  # noqa: RUF001 (as the page writes it)
    assert asked == []


def test_another_media_type_brings_its_example_and_leaves_what_was_written(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    page.goto("/portal/apis/orders/post-orders")
    expect(page.locator("#body")).to_have_value("{}")
    page.select_option("#media-type", "application/x-www-form-urlencoded")
    expect(page.locator("#body")).to_have_value("amount=3")
    page.fill("#body", "amount=4")
    page.select_option("#media-type", "application/json")
    expect(page.locator("#body")).to_have_value("amount=4")


def test_nothing_of_a_hostile_document_runs(open_page: Callable[..., Page]) -> None:
    page = open_page()
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    for path in PAGES:
        page.goto(path)
        assert page.locator("main script, main img, main [onerror]").count() == 0
    expect(page.locator("main")).to_contain_text("<script>alert(1)</script>")
    assert seen == []


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_accessible_fit_a_phone_and_are_light(
    open_page: Callable[..., Page], axe: str, path: str
) -> None:
    page = open_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    page.goto(path)
    assert 0 < sum(sizes) < 100 * 1024
    assert problems(page, axe) == []
