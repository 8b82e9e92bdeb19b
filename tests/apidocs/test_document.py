"""OpenAPI documents are read strictly: what can't be shown is refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.apidocs.document import MAX_BYTES, OpenApiError, at, parse_document

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1.2"},
    "paths": {"/orders": {"get": {"responses": {"200": {"$ref": "#/components/responses/Found"}}}}},
    "components": {"responses": {"Found": {"description": "Found."}}, "a/b": {"c~d": 1}},
}


def test_json_and_yaml_are_read_alike() -> None:
    assert parse_document(json.dumps(DOCUMENT).encode()) == DOCUMENT
    text = "openapi: 3.0.3\ninfo: {title: x, version: 2030-01-01}\npaths: {}\n"
    assert parse_document(text.encode())["info"]["version"] == "2030-01-01", "a date is text, as in JSON"


def test_references_are_followed() -> None:
    assert at(DOCUMENT, "#/components/responses/Found") == {"description": "Found."}
    assert at(DOCUMENT, "#/components/a~1b/c~0d") == 1
    assert at(DOCUMENT, "#/components/none") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{a: }}", "is not YAML or JSON (line 1)"),
        ("[1]", "is not a document of OpenAPI 3.0 or 3.1"),
        ("swagger: '2.0'", "is not a document of OpenAPI 3.0 or 3.1"),
        ("openapi: 3.2.0\npaths: {}", "is not a document of OpenAPI 3.0 or 3.1"),
        ("openapi: 3.1.0\npaths: []", "has no mapping under paths"),
        ("openapi: 3.1.0\npaths: {orders: {}}", "has a path that does not begin with /: orders"),
        ("openapi: 3.1.0\npaths: {/a: {get: x}}", "has no mapping under paths./a.get"),
        (
            "openapi: 3.1.0\npaths: {/a: {get: {$ref: 'http://x/y'}}}",
            "references must be inside the document",
        ),
        (
            "openapi: 3.1.0\npaths: {/a: {get: {$ref: '#/none'}}}",
            "has a reference that leads nowhere: #/none",
        ),
        ("openapi: 3.1.0\nx: !!binary aGk=\npaths: {}", "has a value that JSON does not have (bytes)"),
        ("openapi: 3.1.0\nx: !!python/name:os.system\npaths: {}", "is not YAML or JSON"),
        ("openapi: 3.1.0\nx: &x [*x]\npaths: {}", "has more than 100000 values"),
        ("a" * (MAX_BYTES + 1), "is larger than 1048576 bytes"),
    ],
)
def test_what_can_not_be_shown_is_refused(text: str, words: str) -> None:
    with pytest.raises(OpenApiError) as refused:
        parse_document(text.encode())
    assert words in str(refused.value)


def test_a_few_lines_that_stand_for_billions_are_refused() -> None:
    lines = ["openapi: 3.1.0", "paths: {}", "a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    with pytest.raises(OpenApiError, match="has more than 100000 values"):
        parse_document("\n".join(lines).encode())
