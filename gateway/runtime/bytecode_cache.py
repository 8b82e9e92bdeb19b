"""Keeps what is compiled from text while modules are imported, as Python keeps what it compiles of modules.

`dataclass` writes up to ten functions of each class as text and has them compiled, `typing` compiles each
annotation that is a string, `re` each pattern: at every start, and that was a third of a gateway's work.
Here what was compiled is kept in `__pycache__`, found by a digest of its text, and read at the next start.

As for modules: where Python is told to write no bytecode (`PYTHONDONTWRITEBYTECODE`), or may not, it compiles
anew, and `PYTHONPYCACHEPREFIX` says where else bytecode is kept.
"""

from __future__ import annotations

import dataclasses
import marshal
import mmap
import os
import re
import sys
import typing
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib import import_module
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from struct import Struct
from struct import error as StructError  # noqa: N812 (a class)
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

LIMIT = 8 << 20
"""Bytes of the file after which it is begun anew: what earlier versions compiled stays in it."""
FEW = 100
"""If only one in so many is new, the file stays as it is. Some patterns differ at each start: they are made
of sets, whose order does.
"""
_HEAD = Struct(f"<{len(MAGIC_NUMBER)}sII")
"""Python's magic number, a checksum of all that follows, and the length of the index, which comes first."""
_PATTERNS: Any = import_module("re._compiler")
"""No part of the interface of `re`, which has none for this. Where it were otherwise, tests would say so."""


def cache_path() -> Path | None:
    """Where bytecode is kept; None: this Python keeps none."""
    with suppress(NotImplementedError):
        return Path(cache_from_source(__file__)).with_suffix(".texts")
    return None


@contextmanager
def bytecode_cache(path: Path | None = None) -> Iterator[None]:
    """While the context is open, dataclasses, annotations and patterns are compiled only if they never were.

    To be opened while there is one thread. `path`: of another file than the usual one.
    """
    if (path := path or cache_path()) is None:
        yield
        return
    kept = BytecodeFile(path)
    patterns = PatternCompiler(kept)
    try:
        with (
            # A global name of a module comes before Python's own function of this name.
            _replaced(dataclasses, "exec", kept.exec),
            _replaced(typing, "compile", kept.compile),
            _replaced(_PATTERNS, "compile", patterns.compile),
        ):
            yield
    finally:
        if not sys.dont_write_bytecode:
            kept.write()
        kept.close()


@contextmanager
def _replaced(module: ModuleType, name: str, value: object) -> Iterator[None]:
    names = vars(module)
    before = {name: names[name]} if name in names else {}
    names[name] = value
    try:
        yield
    finally:
        del names[name]
        names.update(before)


class BytecodeFile:
    """Bytecode by the text that it was compiled from. To be closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[bytes, tuple[int, int]] = {}
        """Where what begins and ends, by digest."""
        self._begin = 0
        """Where in the file that is counted from."""
        self._new: dict[bytes, bytes] = {}
        """What the file lacks, by digest."""
        self._expressions: dict[str, CodeType] = {}
        """Those of annotations: most are in several classes."""
        self._file: mmap.mmap | None = None
        with suppress(OSError, ValueError, StructError):
            self._read()

    def close(self) -> None:
        """Nothing is looked up any more."""
        if self._file is not None:
            self._file.close()

    def exec(self, text: str, names: dict[str, Any], local: dict[str, Any]) -> None:
        """In place of Python's."""
        exec(self._bytecode(text, "<string>", "exec"), names, local)  # noqa: S102 (what `dataclass` executes)

    def compile(self, text: str, name: str, mode: str) -> CodeType:
        """In place of Python's. `name`: of the file, for tracebacks."""
        if (code := self._expressions.get(text)) is None:
            code = self._expressions[text] = self._bytecode(text, name, mode)
        return code

    def write(self) -> None:
        """Writes the file anew, if it lacks more than `FEW` say; nothing where that is impossible."""
        if len(self._new) * FEW <= len(self._places):
            return
        kept = {digest: self._at(place) for digest, place in self._places.items()} | self._new
        places, end = {}, 0
        for digest, bytecode in kept.items():
            places[digest] = end, end + len(bytecode)
            end += len(bytecode)
        index = marshal.dumps(places)
        content = index + b"".join(kept.values())
        head = _HEAD.pack(MAGIC_NUMBER, zlib.crc32(content), len(index))
        beside = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                beside.write_bytes(head + content)
                beside.replace(self._path)
            finally:
                beside.unlink(missing_ok=True)

    def _read(self) -> None:
        with self._path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > LIMIT:
                return
            # Empty: ValueError.
            content = self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, checksum, length = _HEAD.unpack_from(content)
        with memoryview(content) as whole, whole[_HEAD.size :] as rest:
            if magic != MAGIC_NUMBER or checksum != zlib.crc32(rest):
                return
            self._places = marshal.loads(rest[:length])  # noqa: S302 (trusted as far as modules are)
        self._begin = _HEAD.size + length

    def _at(self, place: tuple[int, int]) -> bytes:
        start, end = place
        return self._file[self._begin + start : self._begin + end] if self._file else b""

    def kept(self, words: str, make: Callable[[], Any]) -> Any:
        """What was made of these words once; else what `make` makes now. None is not kept."""
        digest = blake2b(words.encode(errors="surrogatepass"), digest_size=16).digest()
        if (place := self._places.get(digest)) is not None:
            return marshal.loads(self._at(place))  # noqa: S302 (trusted as far as modules are)
        if (made := make()) is not None:
            self._new[digest] = marshal.dumps(made)
        return made

    def _bytecode(self, text: str, name: str, mode: str) -> CodeType:
        found = self.kept(f"{mode} {name}\0{text}", lambda: compile(text, name, mode, dont_inherit=True))
        return typing.cast("CodeType", found)


class PatternCompiler:
    """Compiles regular expressions, as `re` does, or takes what was kept for them."""

    def __init__(self, kept: BytecodeFile) -> None:
        self._kept = kept
        self._compile: Callable[[Any, int], re.Pattern[Any]] = _PATTERNS.compile
        self._engine = _PATTERNS._sre

    def compile(self, text: Any, flags: int = 0) -> re.Pattern[Any]:
        """In place of the function of `re._compiler`. `text`: str or bytes."""
        if flags & (re.DEBUG | re.LOCALE):
            return self._compile(text, flags)
        # Versions of Python that share a magic number may compile patterns otherwise.
        found = self._kept.kept(f"{sys.version}\0{flags} {text!r}", lambda: self._parts(text, flags))
        return self._compile(text, flags) if found is None else self._engine.compile(text, *found)

    def _parts(self, text: Any, flags: int) -> tuple[Any, ...] | None:
        """What the engine is given for a pattern. None: that can't be kept."""
        given: list[Any] = []

        def note(*words: Any) -> re.Pattern[Any]:
            given.extend(words)
            return self._engine.compile(*words)  # type: ignore[no-any-return]

        with _replaced(_PATTERNS, "_sre", SimpleNamespace(**vars(self._engine) | {"compile": note})):
            if self._compile(text, flags).flags & re.LOCALE:
                return None
        _, all_flags, code, groups, by_name, names = given
        # Some of these numbers know their names.
        return int(all_flags), [int(each) for each in code], groups, dict(by_name), names
