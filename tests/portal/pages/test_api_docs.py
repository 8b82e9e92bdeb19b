"""The documentation of APIs, as a developer reads it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Valkey
from tests.portal.conftest import config
from tests.portal.reader import Reader, call
from tests.portal.samples.test_programs import shown
from tests.running import Running

HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}[a](javascript:alert(3))"""
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1.2", "description": HOSTILE},
    "paths": {
        "/orders/{id}": {
            "get": {
                "summary": "Get an order",
                "description": HOSTILE,
                "tags": ["Reading", HOSTILE],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "example": "7", "description": HOSTILE},
                    {"name": '"><script>alert(4)</script>', "in": "query", "schema": {"default": HOSTILE}},
                ],
                "responses": {
                    "200": {
                        "description": HOSTILE,
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {HOSTILE: {"type": HOSTILE, "description": HOSTILE}},
                                },
                                "example": HOSTILE,
                            }
                        },
                    }
                },
            }
        },
        "/orders": {
            "post": {
                "summary": "Add an order",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"type": "object"}},
                        "application/x-www-form-urlencoded": {"example": {"amount": 3}},
                    }
                },
            }
        },
        "/orders/named/{name}": {
            "get": {
                "parameters": [{"name": "name", "in": "path", "required": True, "example": "two words+"}],
                "requestBody": {"content": {"text/plain": {"example": "no method for this"}}},
            }
        },
        "/elsewhere": {"delete": {"summary": "Not served"}},
    },
}


def documented(routes: list[dict[str, Any]], file: Path) -> list[dict[str, Any]]:
    docs = {"summary": "All about orders", "group": "Shop", "openapi": str(file)}
    inner = {"title": "Inner", "openapi": "https://localhost/openapi.json"}
    first, *others = routes
    return [{**first, "docs": docs}, *others, {"path": "/inner", "upstream": "orders", "docs": inner}]


@pytest.fixture(scope="module")
def site(
    start: Callable[..., Running], valkey: Valkey, backend: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    file = tmp_path_factory.mktemp("docs") / "orders.json"
    file.write_text(json.dumps(DOCUMENT))
    routes = documented(config(backend, valkey.url)["routes"], file)
    return start(routes=routes, plugins=[{"use": "request_id"}]).http


@pytest.fixture
def person(site: str) -> Reader:
    one = Reader(site)
    name = f"dev-{uuid4().hex[:10]}"
    one.open("/portal/sign-up").submit("/sign-up", name=name, password="correct horse", again="correct horse")
    return one


def test_apis_stand_in_their_groups_and_lead_to_their_documentation(person: Reader) -> None:
    page = person.open("/portal/apis")
    assert "Shop" in page.words
    assert "All about orders" in page.words
    assert 'href="/portal/apis/orders"' in page.html
    found = person.open("/portal/apis?search=get+an+order")
    assert ("/portal/apis/orders" in found.html, "/limited" in found.html) == (True, False)


def test_operations_are_listed_searched_and_shown(person: Reader) -> None:
    page = person.open("/portal/apis/orders")
    assert "/orders/{id}" in page.words
    assert "Not served" not in page.words, "no route takes it"
    order = [
        page.words.index(text) for text in ("Reading", "/orders/{id}", "Other operations", "Add an order")
    ]
    assert order == sorted(order)
    assert "Other operations" not in person.open("/portal/apis/orders?search=add").words, (
        "there are no others"
    )
    assert "Add an order" not in person.open("/portal/apis/orders?search=reading").words
    shown = person.open("/portal/apis/orders/get-orders-id")
    assert "a token with the scope orders.read" in shown.words
    assert "https://localhost" not in shown.html
    assert "http://127.0.0.1:1/orders/7" in shown.html, "the program's"


@pytest.mark.parametrize("path", ["/portal/apis", "/portal/apis/orders", "/portal/apis/orders/get-orders-id"])
def test_what_a_document_has_of_html_and_scripts_is_text(person: Reader, path: str) -> None:
    page = person.open(path)
    assert page.status == 200
    assert "<script>alert" not in page.html
    assert "<img" not in page.html
    assert "javascript:" not in page.html.replace("[a](javascript:alert(3))", "")
    if path != "/portal/apis":
        assert "{{ 7 * 7 }}" in page.html.replace("&#34;", '"')
    assert len(page.body) < 100 * 1024


def test_a_token_of_one_s_own_application_is_put_into_the_form(person: Reader, site: str) -> None:
    path = "/portal/apis/orders/get-orders-id"
    assert "you need an application with keys" in person.open(path).words
    person.keys("Warehouse")
    page = person.open(path)
    key = page.html.partition("<option value=")[2].partition('"')[2].partition('"')[0]
    given = page.submit("/token", keys=key)
    assert given.url.partition("?")[0].endswith(path)
    token = given.html.partition('id="access-token"')[2].partition('value="')[2].partition('"')[0]
    assert call(site, "/orders/7", bearer=token) == (200, {"path": "/7"})
    assert token in person.open("/portal/apis/orders/post-orders").html, "the same for other operations"
    assert person.open(f"{path}/token").url.endswith(path), "reloaded"


def test_the_program_of_an_operation_runs_with_ones_own_keys(person: Reader, site: str) -> None:
    path = "/portal/apis/orders/get-orders-named-name"
    _, made = person.keys("Runner")
    made.submit("/configure", auth="client_secret_post", scope="orders.read")
    block = shown(person.open(path), "curl").replace("http://127.0.0.1:1/", f"{site}/")
    assert "no method for this" not in block
    ran = subprocess.run(
        ["sh"],
        input=block.replace("the consumer secret", made.value("consumer-secret")),
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert ran.stdout.endswith('{"path": "/named/two%20words%2B"}'), ran.stdout


def test_the_program_of_keys_with_the_password_grant_alone_asks_for_a_user(
    start: Callable[..., Running], valkey: Valkey, backend: str, tmp_path: Path
) -> None:
    file = tmp_path / "orders.json"
    file.write_text(json.dumps(DOCUMENT))
    routes = documented(config(backend, valkey.url)["routes"], file)
    developer = Reader(start(routes=routes, grants={"password": {"enabled": True}}).http)
    developer.sign_in("admin", "a s3cret word")
    _, made = developer.keys()
    made.submit("/configure", grant="password", scope="orders.read")
    page = developer.open("/portal/apis/orders/get-orders-id")
    assert "grant_type=password" in shown(page, "curl")
    assert "Put the name and the password of a user into the variables USER_NAME" in page.words


def test_another_s_keys_give_no_token(person: Reader, site: str) -> None:
    other = Reader(site)
    other.sign_in("admin", "a s3cret word")
    _, made = other.keys()
    person.keys("Own")
    told = person.open("/portal/apis/orders/get-orders-id").submit("/token", keys=made.value("consumer-key"))
    assert told.status == 404


def test_a_token_without_the_scope_says_so_before_it_is_refused(person: Reader) -> None:
    _, made = person.keys("Writer")
    made.submit("/configure", scope="orders.write")
    told = person.open("/portal/apis/orders/get-orders-id").submit("/token", keys=made.value("consumer-key"))
    assert "lacks the scope orders.read" in told.words


def test_the_document_can_be_downloaded_with_its_security_schemes(person: Reader) -> None:
    answer = person.open("/portal/apis/orders/openapi.json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.openapi.json"'
    whole = json.loads(answer.body)
    assert whole["paths"]["/orders/{id}"]["get"]["security"] == [{"gatepost": ["orders.read"]}]
    assert whole["servers"] == [{"url": "http://127.0.0.1:1"}]


def test_a_document_at_an_inner_address_is_not_fetched(person: Reader) -> None:
    assert "be had at the moment" in person.open("/portal/apis/inner").words


@pytest.mark.parametrize("path", ["none", "limited", "orders/none", "orders/delete-elsewhere"])
def test_what_is_not_documented_is_not_there(person: Reader, path: str) -> None:
    assert person.open(f"/portal/apis/{path}").status == 404


def test_nobody_reads_it_without_signing_in(site: str) -> None:
    for path in ("orders", "orders/get-orders-id", "orders/openapi.json"):
        assert "/portal/sign-in" in Reader(site).open(f"/portal/apis/{path}").url
