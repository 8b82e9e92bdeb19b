from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.config.problems import ConfigurationError
from gateway.config.source import MAX_FILE_SIZE
from tests.config.example import StubCatalog


def problem(file: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(file, {}, StubCatalog())
    (found,) = caught.value.problems
    return str(found).removeprefix(str(file))


def test_a_file_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("# kommentär\nlogging: {level: debug}\n")
    assert load(file, {}, StubCatalog()).logging.level == "debug"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_bytes(b"\xef\xbb\xbflogging: {level: debug}\n")
    assert load(file, {}, StubCatalog()).logging.level == "debug"


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert problem(tmp_path / "no.yaml") == ":1:1: can't be read: No such file or directory"


def test_a_directory_is_a_problem(tmp_path: Path) -> None:
    assert problem(tmp_path) == ":1:1: can't be read: Is a directory"


def test_a_name_that_is_none_is_a_problem() -> None:
    assert "can't be read" in problem(Path("a\0b"))


def test_a_huge_file_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "huge"
    file.write_bytes(b"#" * (MAX_FILE_SIZE + 1))
    assert problem(file) == ":1:1: is larger than 16 MiB"


def test_a_file_that_is_not_utf8_is_a_problem_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "latin"
    file.write_bytes("a: 1\nné: é\n".encode() + b"b: \xe9\n")
    assert problem(file) == ":3:4: is not UTF-8 from here on"


@pytest.mark.parametrize("text", ["", "\n# nothing\n"])
def test_an_empty_file_is_a_problem(tmp_path: Path, text: str) -> None:
    file = tmp_path / "empty"
    file.write_text(text)
    assert problem(file) == ":1:1: the file is empty"


@pytest.mark.parametrize("text", ["- a", "just text", "12", "~"])
def test_a_file_that_is_no_mapping_is_a_problem(tmp_path: Path, text: str) -> None:
    file = tmp_path / "list"
    file.write_text(text)
    assert problem(file).startswith(":1:1: the file must be a mapping")
