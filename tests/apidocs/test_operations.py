"""What a page shows of a document: operations, parameters, bodies, responses. All of it is bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.apidocs.document import Document, parse_document
from gateway.apidocs.operations import details, server_path, summaries
from gateway.apidocs.schemas import MOST_LINES, SchemaReader, example_of, schema_lines, type_of

ORDER = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "state": {"type": "string", "enum": ["open", "sent"]},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
    },
}
LINE = {"type": "object", "properties": {"amount": {"type": "integer", "minimum": 1, "example": 3}}}
PATHS: dict[str, Any] = {
    "/orders/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "get": {
            "summary": "Get an order",
            "tags": ["Orders"],
            "parameters": [{"name": "fields", "in": "query", "schema": {"type": "array", "items": {}}}],
            "responses": {"404": {"description": "Not found."}},
        },
        "put": {
            "deprecated": True,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
            },
        },
    }
}


def document(schemas: dict[str, Any] | None = None, **more: Any) -> Document:
    components = {"schemas": {"Order": ORDER, "Line": LINE, **(schemas or {})}}
    whole = {"openapi": "3.1.0", "paths": PATHS, "components": components, **more}
    return parse_document(json.dumps(whole).encode())


def test_operations_have_names_of_their_own() -> None:
    got, put = summaries(document())
    assert (got.name, got.method, got.summary, got.tag) == (
        "get-orders-id",
        "GET",
        "Get an order",
        "Orders",
    )
    assert (put.name, put.deprecated) == ("put-orders-id", True)
    twice = document(paths={"/a-b": {"get": {}}, "/a/b": {"get": {}}})
    assert [one.name for one in summaries(twice)] == ["get-a-b", "get-a-b-2"]


def test_parameters_of_the_path_and_of_the_operation_are_shown() -> None:
    found = details(document(), summaries(document())[0])
    assert [(one.name, one.place, one.required, one.type) for one in found.parameters] == [
        ("id", "path", True, "string"),
        ("fields", "query", False, "array of any"),
    ]
    assert [(one.status, one.text) for one in found.replies] == [("404", "Not found.")]


def test_a_body_has_its_lines_and_an_example() -> None:
    (body,) = details(document(), summaries(document())[1]).bodies
    assert [(one.depth, one.name, one.type, one.required, one.rules) for one in body.lines] == [
        (0, "id", "string (uuid)", True, ""),
        (0, "state", "string", False, "one of open, sent"),
        (0, "lines", "array of Line (object)", False, ""),
        (2, "amount", "integer", False, "at least 1"),
    ]
    assert json.loads(body.example) == {
        "id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "state": "open",
        "lines": [{"amount": 3}],
    }


def test_the_example_of_a_form_is_a_form() -> None:
    fields = {"name": {"example": "two words"}, "tags": {"type": "array", "items": {"example": "a&b"}}}
    content = {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": fields}}}
    sent = document(paths={"/x": {"post": {"requestBody": {"content": content}}}})
    (body,) = details(sent, summaries(sent)[0]).bodies
    assert body.example == "name=two+words&tags=a%26b"


@pytest.mark.parametrize("word", ["properties", "allOf", "oneOf", "anyOf", "items"])
def test_a_schema_that_refers_to_itself_ends(word: str) -> None:
    own = {"$ref": "#/components/schemas/A"}
    inner = {f"p{n}": own for n in range(40)} if word == "properties" else [own] * 40
    schema = {"type": "object", word: own if word == "items" else inner}
    reader = SchemaReader(document({"A": schema}))
    assert len(schema_lines(reader, own)) <= MOST_LINES
    type_of(reader, own)
    example_of(reader, own)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "string", "nullable": True}, "string or null"),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, "string or integer"),
        ({"$ref": "#/components/schemas/Order"}, "Order (object)"),
        (True, "any"),
        ({"type": 7, "enum": 3, "properties": [], "required": "x"}, "7"),
    ],
)
def test_a_type_is_told_in_words(schema: Any, words: str) -> None:
    assert type_of(SchemaReader(document()), schema) == words


@pytest.mark.parametrize(
    ("servers", "path"),
    [
        ([{"url": "https://x.example/v1/"}], "/v1"),
        ([{"url": "/v2"}], "/v2"),
        ([{"url": "https://{host}/{base}"}], ""),
        ([{"url": 7}], ""),
        ({}, ""),
    ],
)
def test_the_path_of_a_server_is_known(servers: Any, path: str) -> None:
    assert server_path(document(servers=servers)) == path
