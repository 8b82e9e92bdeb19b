"""Nobody is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.example import problems


def test_two_users_of_one_name_are_refused_whatever_the_case() -> None:
    text = "portal:\n  users:\n  - {name: Ada, password: one}\n  - {name: ada, password: two}\n"
    (found,) = problems(text)
    assert found == "4:12: portal.users[1].name: another user has this name (the first is on line 3)"


def described(place: str) -> str:
    return f"""upstreams: {{api: {{servers: [{{url: http://127.0.0.1:1}}]}}}}
routes:
- path: /api
  upstream: api
  docs: {{openapi: {place}}}
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no such file"),
        ("swagger: '2.0'", "is not a document of OpenAPI 3.0 or 3.1"),
        ("openapi: 3.1.0\npaths: {/a: {$ref: other.yaml}}", "refers to other.yaml"),
        ("openapi: 3.1.0\npaths: {}", None),
    ],
)
def test_an_openapi_document_must_be_one(tmp_path: Path, text: str | None, words: str | None) -> None:
    file = tmp_path / "api.yaml"
    if text is not None:
        file.write_text(text)
    found = problems(described(str(file)))
    if words is None:
        assert found == []
    else:
        (one,) = found
        assert one.startswith("5:")
        assert f"routes[0].docs.openapi: {words}" in one


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.org/openapi.json",
        "https://127.0.0.1/openapi.json",
        "https://[::1]/openapi.json",
        "https://10.0.0.7/openapi.json",
        "https://2130706433/openapi.json",
        "https://user:word@api.example.org/openapi.json",
        "file:///etc/passwd",
    ],
)
def test_an_openapi_document_is_fetched_from_public_addresses_alone(url: str) -> None:
    (found,) = problems(described(f'"{url}"'))
    assert "must be a file, or an https URL of a public address without a user" in found
    assert problems(described("https://api.example.org/openapi.json")) == []
