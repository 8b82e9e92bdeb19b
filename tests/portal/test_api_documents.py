"""Documents of APIs: which operations the gateway serves, and what is downloaded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.apidocs.document import Document, parse_document
from gateway.errors import GatepostError
from gateway.portal.api_documents import (
    FRESH,
    RETRY,
    ApiDocuments,
    DescribedApi,
    gateway_path,
    named,
    served_operations,
    whole_document,
)
from gateway.portal.services import Api
from tests.portal.facts import facts

READ = Api("/orders", False, ("GET",), None, ("orders.read",), None, True, strips=True)
WRITE = Api("/orders", False, ("POST",), None, ("orders.write",), None, True, strips=True)
OPEN = Api("/orders/health", True, ("GET",), None, (), None, False)
FACTS = facts(apis=(READ, WRITE, OPEN))


def document(*paths: str, **more: Any) -> Document:
    item = {"get": {"security": []}, "post": {}, "delete": {}, "servers": [{"url": "https://evil.example"}]}
    whole = {"openapi": "3.0.3", "info": {"title": "T"}, "paths": dict.fromkeys(paths, item), **more}
    return parse_document(json.dumps(whole).encode())


def described(found: Document | None, url: str = "") -> DescribedApi:
    (one,) = named([DescribedApi("", READ, "", "", "", found, url)])
    return one


@pytest.mark.parametrize(
    ("path", "more", "at"),
    [
        ("/orders/{id}", {}, "/orders/{id}"),
        ("/{id}", {}, "/orders/{id}"),
        ("/", {}, "/orders"),
        ("/{id}", {"servers": [{"url": "https://inner.example/orders"}]}, "/orders/{id}"),
    ],
)
def test_a_path_of_a_document_is_found_at_the_gateway(path: str, more: Any, at: str) -> None:
    assert gateway_path(READ, document(path, **more), path) == at


def test_only_what_routes_of_the_gateway_take_is_shown_with_their_scopes() -> None:
    served = served_operations(described(document("/orders", "/orders/health")), FACTS)
    assert [(one.operation.method, one.path, one.api.scopes) for one in served] == [
        ("GET", "/orders", ("orders.read",)),
        ("POST", "/orders", ("orders.write",)),
        ("GET", "/orders/health", ()),
        ("POST", "/orders/health", ("orders.write",)),
    ]


def test_the_downloaded_document_says_how_to_get_a_token() -> None:
    whole = whole_document(described(document("/{id}", "/health")), FACTS, "https://gateway.example")
    flow = whole["components"]["securitySchemes"]["gatepost"]["flows"]["clientCredentials"]
    assert flow == {
        "tokenUrl": "https://gateway.example/token",
        "scopes": {"orders.read": "", "orders.write": ""},
    }
    assert whole["servers"] == [{"url": "https://gateway.example"}]
    assert whole["paths"]["/orders/{id}"]["get"]["security"] == [{"gatepost": ["orders.read"]}]
    assert whole["paths"]["/orders/health"]["get"]["security"] == [], "open to all"
    assert "delete" not in whole["paths"]["/orders/{id}"], "no route takes it"
    assert "evil.example" not in json.dumps(whole)


def test_apis_have_names_of_their_own_and_the_document_s_title() -> None:
    apis = named([DescribedApi("", one, "", "", "", document("/a")) for one in (READ, WRITE)])
    assert [(one.name, one.title) for one in apis] == [("orders", "T"), ("orders-2", "T")]
    assert apis[0].matches("orders.read")
    assert apis[0].matches("get /a")
    assert not apis[0].matches("invoices")


async def test_a_document_at_a_url_is_fetched_when_it_is_read_and_kept() -> None:
    asked: list[str] = []
    now = [0.0]
    text = [b"not a document"]

    async def fetch(url: str) -> bytes:
        asked.append(url)
        if not text[0]:
            raise GatepostError("unreachable")
        return text[0]

    documents = ApiDocuments([described(None, "https://api.example/o.json")], fetch, lambda: now[0])

    async def title() -> str:
        found = await documents.find("orders")
        assert found is not None
        return found.document["info"]["title"] if found.document else ""

    assert [await title(), await title(), len(asked)] == ["", "", 1], "not asked again at once"
    now[0], text[0] = RETRY + 1, json.dumps(document("/a")).encode()
    assert [await title(), await title(), len(asked)] == ["T", "T", 2]
    now[0], text[0] = now[0] + FRESH + 1, b""
    assert [await title(), len(asked)] == ["T", 3], "an old one is better than none"
    assert await documents.find("none") is None
