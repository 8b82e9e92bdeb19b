"""Secrets in files: `${file:PATH}`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.config.environment import referenced, resolve
from gateway.config.secret_files import MAX_SIZE, read_secret
from tests.config.example import problems, settings


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"two\nlines\n", "two\nlines"),
        (b" spaces stay \n", " spaces stay "),
        ("pässword\n".encode(), "pässword"),
        (b"${NAME} is not looked into", "${NAME} is not looked into"),
    ],
)
def test_a_secret_file_is_read_without_the_line_break_at_its_end(
    tmp_path: Path, content: bytes, secret: str
) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert resolve(f"a-${{file:{tmp_path}/secret}}-b", {}) == (f"a-{secret}-b", True)


def test_an_unusable_secret_file_is_reported_with_its_line_and_its_reason(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "large").write_bytes(b"x" * (MAX_SIZE + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    reasons = {
        "missing": f"the file {tmp_path}/missing does not exist",
        "empty": f"the file {tmp_path}/empty is empty",
        "large": f"the file {tmp_path}/large is larger than 64 KiB: it is no secret",
        "binary": f"the file {tmp_path}/binary is not UTF-8",
        "pipe": f"{tmp_path}/pipe is not a regular file",
        "folder": f"{tmp_path}/folder is not a regular file",
        "empty/below": f"the file {tmp_path}/empty/below can't be read: Not a directory",
    }
    for name, reason in reasons.items():
        text = f"clients:\n  - id: a\n    secrets: ['${{file:{tmp_path}/{name}}}']\n"
        assert problems(text) == [f"3:15: clients[0].secrets[0]: {reason}"]
    (found,) = problems("clients:\n  - id: a\n    secrets: ['${file:}']\n")
    assert "has a reference to a file without its path" in found


def test_a_secret_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ValueError, match="can't be read: Permission denied"):
        read_secret("/run/secrets/x")


def test_every_kind_of_secret_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef\n")
    reference = f"'${{file:{tmp_path}/secret}}'"
    found = settings(
        f"clients: [{{id: a, secrets: [{reference}]}}]\n"
        f"tokens: {{keys: [{reference}]}}\n"
        f"store: {{url: 'redis://:${{file:{tmp_path}/secret}}@cache:6379/1'}}\n"
        f"portal: {{users: [{{name: admin, password: {reference}}}]}}\n"
    )
    assert found.store.url == "redis://:0123456789abcdef0123456789abcdef@cache:6379/1"
    assert found.tokens.keys[0].get_secret_value() == "0123456789abcdef0123456789abcdef"


def test_other_processes_get_the_content_that_was_read_first(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first\n")
    text = f"a: '${{file:{file}}}'\nb: '${{file:{tmp_path}/missing}}'\n"
    variables = referenced(text, os.environ)
    file.write_text("second\n")
    assert variables == {f"file:{file}": "first"}
    assert resolve(f"${{file:{file}}}", variables) == ("first", True)
