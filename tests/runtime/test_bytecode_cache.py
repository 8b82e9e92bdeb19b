"""Bytecode of texts, kept from one start to the next."""

from __future__ import annotations

import dataclasses
import re
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from types import FunctionType

import pytest

from gateway.runtime import bytecode_cache as tested
from gateway.runtime.bytecode_cache import bytecode_cache, cache_path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the file, where bytecode may be written."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "made" / "file.texts"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were compiled for want of bytecode."""
    texts: list[str] = []

    def compile_and_note(text: str, *words: str, **more: bool) -> object:
        texts.append(text)
        return compile(text, *words, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(tested, "compile", compile_and_note, raising=False)
    return texts


def make_point() -> type:
    @dataclass(frozen=True, slots=True, order=True)
    class Point:
        x: int
        y: float = 0.5

    return Point


def make_line() -> type:
    @dataclass
    class Line:
        name: str

    return Line


def made(path: Path, make: Callable[[], type] = make_point) -> type:
    with bytecode_cache(path):
        return make()


def test_what_was_compiled_once_is_not_compiled_again(path: Path, compiled: list[str]) -> None:
    made(path)
    assert compiled
    compiled.clear()
    point = made(path)
    assert compiled == []
    assert point(1) == point(1, 0.5)
    assert point(1) < point(2)
    assert repr(point(3)) == "make_point.<locals>.Point(x=3, y=0.5)"
    assert {point(1): "found"}[point(1)] == "found"
    with pytest.raises(dataclasses.FrozenInstanceError):
        point(1).x = 2


def test_functions_are_those_that_python_compiles(path: Path) -> None:
    made(path)
    kept, own = made(path), make_point()
    names = {name for name, value in vars(own).items() if isinstance(value, FunctionType)}
    assert {"__init__", "__eq__", "__hash__", "__lt__", "__setattr__"} <= names
    for name in names:
        ours, theirs = getattr(kept, name), getattr(own, name)
        assert inner(ours).__code__ == inner(theirs).__code__
        assert inner(ours).__code__.co_filename == inner(theirs).__code__.co_filename
        assert ours.__annotations__ == theirs.__annotations__
        assert ours.__qualname__ == theirs.__qualname__
    assert [field.type for field in fields(kept)] == [field.type for field in fields(own)]


def inner(function: FunctionType) -> FunctionType:
    """What is wrapped by a decorator, as `__repr__` is."""
    return getattr(function, "__wrapped__", function)


def test_python_compiles_by_itself_when_the_context_has_ended(path: Path) -> None:
    def fail() -> type:
        assert "exec" in vars(dataclasses)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made(path, fail)
    assert "exec" not in vars(dataclasses)
    assert "compile" not in vars(typing)
    assert vars(sys.modules["re._compiler"])["compile"].__module__ == "re._compiler"


def test_what_others_have_compiled_stays(path: Path, compiled: list[str]) -> None:
    made(path)
    made(path, make_line)
    compiled.clear()
    made(path)
    made(path, make_line)
    assert compiled == []


def test_nothing_is_written_where_nothing_is_new(path: Path) -> None:
    made(path)
    before = path.stat()
    made(path)
    assert path.stat().st_ino == before.st_ino


def test_one_more_pattern_does_not_write_many_anew(path: Path) -> None:
    re.purge()
    with bytecode_cache(path):
        for number in range(2 * tested.FEW):
            re.compile(f"a{number}")
    before = path.stat()
    with bytecode_cache(path):
        re.compile("[ba]")
    assert path.stat().st_ino == before.st_ino
    with bytecode_cache(path):
        for number in range(3):
            re.compile(f"b{number}")
    assert path.stat().st_ino != before.st_ino


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python compiles annotations when they are used")
def test_an_annotation_is_compiled_once_and_means_the_same(path: Path, compiled: list[str]) -> None:
    with bytecode_cache(path):
        typing.ForwardRef("list[Path]")
    compiled.clear()
    with bytecode_cache(path):
        first, second = typing.ForwardRef("list[Path]"), typing.ForwardRef("list[Path]")
        with pytest.raises(SyntaxError):
            typing.ForwardRef("not an expression")
    assert compiled == ["not an expression"]
    assert first.__forward_code__ is second.__forward_code__
    assert typing.get_type_hints(typing.NamedTuple("Found", [("paths", "list[Path]")]), globals()) == {
        "paths": list[Path]
    }


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:7],
        lambda content: content[: len(content) // 2],
        lambda content: b"\0\0\0\0" + content[4:],
        lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        lambda content: content + bytes(tested.LIMIT),
    ],
    ids=["empty", "a part of the head", "a half", "another Python's", "changed", "too long"],
)
def test_a_file_that_is_not_as_it_was_written_is_begun_anew(
    path: Path, compiled: list[str], damage: Callable[[bytes], bytes]
) -> None:
    made(path)
    written, texts = path.read_bytes(), compiled[:]
    path.write_bytes(damage(written))
    compiled.clear()
    assert made(path)(1).x == 1
    assert compiled == texts
    assert path.read_bytes() == written


def test_python_that_may_write_no_bytecode_writes_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert made(path)(1).x == 1
    assert not path.exists()


def test_where_nothing_can_be_written_it_is_compiled(path: Path, tmp_path: Path) -> None:
    path.parent.write_text("no folder")
    assert made(path)(1).x == 1
    path.parent.unlink()
    path.mkdir(parents=True)
    assert made(path)(1).x == 1
    assert [each.name for each in path.parent.iterdir()] == [path.name], "nothing is left over"


def test_bytecode_is_kept_where_that_of_modules_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    found = cache_path()
    assert found is not None
    assert found.is_relative_to(tmp_path)
    assert sys.implementation.cache_tag in found.name


def test_python_that_keeps_no_bytecode_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.implementation, "cache_tag", None)
    assert cache_path() is None
    with bytecode_cache():
        assert make_point()(1).x == 1
        assert "exec" not in vars(dataclasses)


PATTERNS: list[tuple[str | bytes, int]] = [
    (r"(?P<name>[a-z]+)=(?P<value>\d*)(,|$)", 0),
    (r"(?i)straße|[^\u0080-\U0010ffff]+", 0),
    (r"^ a \. b $", re.VERBOSE | re.MULTILINE),
    ("\ud800", 0),
    (b"a\xff(?:b|c){2,3}?", re.IGNORECASE),
]


@pytest.mark.parametrize(("text", "flags"), PATTERNS)
def test_a_pattern_is_compiled_once_and_matches_the_same(
    path: Path, text: str | bytes, flags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    re.purge()
    own = re.compile(text, flags)
    for _ in range(2):
        re.purge()
        with bytecode_cache(path):
            kept = re.compile(text, flags)
        monkeypatch.setattr("re._compiler._code", None)
    # The comparison is of the compiled pattern, too.
    assert kept == own
    assert (kept.flags, kept.groups, dict(kept.groupindex)) == (own.flags, own.groups, dict(own.groupindex))


def test_patterns_of_text_and_of_bytes_are_kept_apart(path: Path) -> None:
    for _ in range(2):
        re.purge()
        with bytecode_cache(path):
            assert re.compile("a+").match("aa")
            assert re.compile(b"a+").match(b"aa")
            assert re.compile("a+", re.IGNORECASE).match("AA")


def test_groups_keep_their_names(path: Path) -> None:
    for _ in range(2):
        re.purge()
        with bytecode_cache(path):
            found = re.compile(r"(?P<name>[a-z]+)=(?P<value>\d+)").fullmatch("limit=10")
        assert found is not None
        assert found.groupdict() == {"name": "limit", "value": "10"}
        assert found.lastgroup == "value"


def test_a_pattern_that_depends_on_the_locale_is_not_kept(path: Path) -> None:
    re.purge()
    with bytecode_cache(path):
        assert re.compile(rb"(?L)\w+").match(b"ab")
        assert re.compile(rb"\w", re.LOCALE).match(b"ab")
    assert not path.exists()


def test_a_wrong_pattern_is_refused_as_ever(path: Path) -> None:
    with bytecode_cache(path), pytest.raises(re.error, match="unterminated"):
        re.compile("a(")
    assert "_sre" in vars(sys.modules["re._compiler"])


def test_a_pattern_of_another_version_of_python_is_compiled_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("3.11.4 (one)", "3.11.5 (another)"):
        monkeypatch.setattr(sys, "version", version)
        re.purge()
        before = path.stat().st_size if path.exists() else 0
        with bytecode_cache(path):
            re.compile("a++b")
        assert path.stat().st_size > before
