"""Files of clients, as text."""

import pytest

from gateway.commands.client_files import FORMATS, FileRecord, read_records, write_records

CLIENTS = [
    {"id": "a", "name": 'Würfel, "Söhne"', "scopes": ["x", "y"], "claims": {"tenant": "acme"}},
    {"id": "b", "enabled": False, "lifetime": 600, "secrets": [{"secret": "sha256:00"}], "scopes": []},
]


def read(text: str, kind: str) -> list[FileRecord]:
    records, issues = read_records(text, kind)
    assert issues == []
    return records


def wrong(text: str, kind: str) -> list[tuple[int, str]]:
    return [(one.place.line, one.text) for one in read_records(text, kind)[1]]


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_written_is_read_again(kind: str) -> None:
    first, second = read(write_records(CLIENTS, kind), kind)
    words = "x y" if kind == "csv" else ["x", "y"]
    assert first.fields == {**CLIENTS[0], "scopes": words}
    assert second.fields == CLIENTS[1]


def test_each_client_has_its_line() -> None:
    assert [one.line for one in read('id,name\na,"two\nlines"\n\nb,\n', "csv")] == [2, 5]
    assert [one.line for one in read('\n{"id": "a"}\n\n{"id": "b"}', "ndjson")] == [2, 4]
    assert [one.line for one in read('[\n {"id": "a"},\n\n {"id":\n "b"} ]', "json")] == [2, 4]
    assert [one.line for one in read('{"clients": [\n{"id": "a"}\n]}\n', "json")] == [2]
    assert read("[]", "json") == read("", "ndjson") == read("", "csv") == []


def test_cells_are_flags_numbers_and_json_where_the_key_is() -> None:
    text = '\ufeffid;enabled;lifetime;jwks;scope\r\n1;No;10;{};["a"]\r\n2;maybe;10m;;\r\n'
    first, second = read(text, "csv")
    assert first.fields == {"id": "1", "enabled": False, "lifetime": 10, "jwks": {}, "scope": ["a"]}
    assert second.fields == {"id": "2", "enabled": "maybe", "lifetime": "10m"}


def test_what_is_malformed_is_reported_with_its_line() -> None:
    assert wrong("id,name\na\nb,c\nd,e,f\n", "csv") == [
        (2, "has 1 cells, and the first line 2"),
        (4, "has 3 cells, and the first line 2"),
    ]
    assert wrong("id,id,\n", "csv") == [(1, "is the name of two columns"), (1, "column 3 has no name")]
    assert wrong("id,jwks\na,{\n", "csv") == [(2, "is no JSON")]
    assert wrong('id\n"a', "csv")[0][0] == 2
    assert wrong('{"id": "a"}\n{"id" "b"}\n[]\n{"a": 1, "a": 2}', "ndjson") == [
        (2, "is no JSON: Expecting ':' delimiter"),
        (3, "must be an object"),
        (4, 'has "a" twice'),
    ]
    assert wrong('[{"id": "a"}\n {}]', "json") == [(2, "is no JSON: Expecting ','")]
    assert wrong("{}", "json") == [(1, "is no JSON: Expecting '['")]
    assert wrong('[{"id": "a"},\n 7]', "json") == [(2, "must be an object")]
    assert wrong("[]\n[]", "json") == [(2, "there is something behind the list of clients")]
    assert wrong("[" * 100_000, "ndjson") == [(1, "is no JSON: too deep")]
