"""The compiled edition, as far as reading shows it. `scripts/test-compiled` builds and tries it."""

from __future__ import annotations

import ast
import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.project.imports import ROOT, module_name, parsed, sources, tree_of

LISTED = tomllib.loads((ROOT / "scripts" / "compiled.toml").read_text())
COMPILED = [f"{package}/{name}.py" for package, names in LISTED["modules"].items() for name in names]
OPEN = "allow_interpreted_subclasses"


def test_every_module_is_there_and_listed_once_in_order() -> None:
    assert [file for file in COMPILED if not (ROOT / file).is_file()] == []
    assert [package for package, names in LISTED["modules"].items() if names != sorted(set(names))] == []
    assert list(LISTED["modules"]) == sorted(LISTED["modules"])


def test_what_stays_plain_is_there_and_not_compiled() -> None:
    assert [file for file in LISTED["plain"] if not (ROOT / file).is_file() or file in COMPILED] == []
    assert all(LISTED["plain"].values()), "each with its reason"


def test_plugins_are_never_compiled() -> None:
    assert all(file.startswith("gateway/") for file in COMPILED)


def test_the_module_that_says_whether_it_is_compiled_is_compiled() -> None:
    assert "gateway/runtime/hex_ids.py" in COMPILED


@pytest.mark.parametrize("file", COMPILED)
def test_it_has_nothing_that_the_compiler_refuses(file: str) -> None:
    assert list(refused(tree_of(file))) == []


def test_no_test_replaces_a_constant_that_the_compiler_puts_in_place_of_its_name() -> None:
    texts = [file.read_text() for file in sorted((ROOT / "tests").rglob("test_*.py"))]
    replaced = {name for text in texts if "setattr" in text for name in replaced_names(parsed(text))}
    assert sorted(replaced & {name for file in COMPILED for name in constants(file)}) == []


def constants(file: str) -> Iterator[str]:
    """The names that are final, with their module."""
    for node in tree_of(file).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).startswith("Final"):
            yield f"{module_name(Path(file))}.{ast.unparse(node.target)}"


def replaced_names(tree: ast.Module) -> Iterator[str]:
    """What `monkeypatch.setattr(module, "NAME", …)` replaces, with its module."""
    modules = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(_, "setattr"), [ast.Name(module), ast.Constant(str(name)), *_]):
                yield f"{modules.get(module, module)}.{name}"


def test_a_constant_that_a_test_replaces_is_found() -> None:
    tree = ast.parse(
        "from gateway.server import early_reader as reader\nmonkeypatch.setattr(reader, 'RECEIVE', 1)\n"
    )
    assert set(replaced_names(tree)) <= set(constants("gateway/server/early_reader.py"))


def refused(tree: ast.Module) -> Iterator[str]:
    """What mypyc does not compile, or compiles to something else."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and yields(node):
            yield f"line {node.lineno}: an asynchronous generator"
        elif isinstance(node, ast.ClassDef):
            yield from (
                f"line {one.lineno}: a condition in a class" for one in node.body if type(one) is ast.If
            )
        elif isinstance(node, ast.Delete):
            yield from (f"line {one.lineno}: an attribute is deleted" for one in node.targets if is_own(one))
        elif isinstance(node, ast.ImportFrom) and node.module == "copy":
            yield f"line {node.lineno}: a copy, for which a compiled class is called without arguments"
        elif isinstance(node, ast.Attribute) and node.attr == "__slots__":
            yield f"line {node.lineno}: compiled classes have no __slots__"


def yields(function: ast.AsyncFunctionDef) -> bool:
    return any(isinstance(node, ast.Yield) for node in ast.walk(function))


def is_own(target: ast.expr) -> bool:
    return (
        isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    )


@pytest.mark.parametrize(
    "text",
    [
        "async def each(self):\n    yield 1",
        "class A:\n    if TYPE_CHECKING:\n        x: int",
        "class A:\n    def end(self):\n        del self.x",
        "from copy import copy\n\ndef twin(other):\n    return copy(other)",
        "def twin(other):\n    return [getattr(other, name) for name in other.__slots__]",
    ],
)
def test_what_the_compiler_refuses_is_seen(text: str) -> None:
    assert len(list(refused(ast.parse(text)))) == 1


def classes() -> dict[type, str]:
    """Every class of the project's modules, with its module."""
    found: dict[type, str] = {}
    for source in sources():
        if source.name != "__main__.py":
            name = module_name(source)
            own = vars(importlib.import_module(name)).values()
            found |= {one: name for one in own if isinstance(one, type) and one.__module__ == name}
    return found


def opened(file: str) -> set[str]:
    """The classes of a compiled file that say that plain ones may inherit from them."""
    nodes = [node for node in ast.walk(tree_of(file)) if isinstance(node, ast.ClassDef)]
    return {node.name for node in nodes if any(OPEN in ast.unparse(one) for one in node.decorator_list)}


def test_no_plain_class_inherits_from_a_compiled_one_that_is_not_open_to_it() -> None:
    compiled = {module_name(Path(file)): file for file in COMPILED}
    wrong = []
    for one, module in classes().items():
        if module not in compiled:
            bases = [base for base in one.__mro__[1:] if base.__module__ in compiled]
            wrong += [(one, base) for base in bases if base.__name__ not in opened(compiled[base.__module__])]
    assert wrong == []


def test_no_compiled_exception_or_dictionary_takes_values_from_its_class() -> None:
    # mypyc sets them where an object is made, but not where that is left to a class of C.
    compiled = {module_name(Path(file)) for file in COMPILED}
    wrong = [
        (one, name)
        for one, module in classes().items()
        if module in compiled and issubclass(one, BaseException | dict)
        for name, value in vars(one).items()
        if not (name.startswith("__") or callable(value) or hasattr(value, "__get__"))
    ]
    assert wrong == []


def test_no_compiled_class_inherits_from_a_plain_one_between_it_and_another_compiled_one() -> None:
    # The methods of the first, called by the code of the last, are not where they are looked for: a crash.
    compiled = {module_name(Path(file)) for file in COMPILED}
    of_all = classes()
    wrong = [
        (one, base)
        for one, module in of_all.items()
        if module in compiled
        for base in one.__mro__[1:]
        if base in of_all
        and of_all[base] not in compiled
        and any(of_all.get(other) in compiled for other in base.__mro__)
    ]
    assert wrong == []


def builder() -> Any:
    """What builds the wheel."""
    return pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))


def test_nobody_gets_it_who_does_not_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert builder().config.hook_config == {}
    monkeypatch.setenv("HATCH_BUILD_HOOK_ENABLE_CUSTOM", "true")
    assert list(builder().config.hook_config) == ["custom"]


def test_an_editable_installation_is_never_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HATCH_BUILD_HOOK_ENABLE_CUSTOM", "true")
    (editable,) = builder().build(directory=str(tmp_path), versions=["editable"])
    assert Path(editable).name.endswith("-py3-none-any.whl")
