"""OpenAPI documents of `openapi`: read from a file, with the place of whatever is wrong with them."""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

MAX_BYTES = 16 * 1024 * 1024
_VERSION = re.compile(r"3\.([01])\.[0-9]{1,3}")
_BOOLEAN = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_SHOWN = 3
"""How many problems an error names."""
_LONGEST = 200
_BOOL, _TIMESTAMP, _MAP = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", yaml.MappingNode
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Steps = tuple[str | int, ...]


class DocumentError(ValueError):
    """What is wrong with a document: `orders.yaml:12:5: …`, or several of these."""


# The one in C where PyYAML has it: it takes a tenth of the time.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]  # either of the two
    """YAML as OpenAPI has it (version 1.2): keys are text, dates are text, and only `true` and `false` are
    booleans.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Keys as they are written."""
        for key, _ in node.value:
            key.tag = "tag:yaml.org,2002:str"
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


_Loader.yaml_implicit_resolvers = {
    first: [item for item in resolvers if item[0] not in (_BOOL, _TIMESTAMP)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, _BOOLEAN, list("tTfF"))


def read_document(path: Path, *, known: bool = False) -> dict[str, Any]:
    """The document, valid, with references inside itself alone; without servers and security, which are the
    gateway's. `known`: it has just been found to be valid.

    Raises:
        DocumentError: it can't be read, or is not valid.
        ImportError: what validates documents is not installed.
    """
    root = _composed(path)
    problems = [*_structure(root), *_references(root)]
    if problems:
        raise _problem(path, root, problems)
    loader = _Loader("")
    try:
        document = loader.construct_document(root)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DocumentError(f"{path}:1:1: can't be used ({type(error).__name__})") from None
    finally:
        loader.dispose()
    version = document.get("openapi") if isinstance(document, dict) else None
    found = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if found is None:
        raise _problem(path, root, [(("openapi",), "must be a document of OpenAPI 3.0 or 3.1")])
    problems = [] if known else list(_invalid(document, found[1]))
    if problems:
        raise _problem(path, root, problems)
    return _ours(document)


def _composed(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(f"{path} can't be read: {error.strerror}") from None
    if len(text) > MAX_BYTES:
        raise DocumentError(f"{path} is larger than {MAX_BYTES} bytes")
    try:
        root = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise DocumentError(f"{path}:{place}: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(f"{path}:1:1: is not YAML or JSON ({type(error).__name__})") from None
    if not isinstance(root, _MAP):
        raise DocumentError(f"{path}:1:1: must be a document of OpenAPI 3.0 or 3.1")
    return root


def _structure(root: Any) -> Iterator[tuple[Steps, str]]:
    """Keys that are given twice, and aliases that hold themselves."""
    for steps, node in _nodes(root):
        if isinstance(node, _MAP):
            seen: set[str] = set()
            for key, _ in node.value:
                if str(key.value) in seen:
                    yield (*steps, str(key.value)), "is given twice"
                seen.add(str(key.value))


def _references(root: Any) -> Iterator[tuple[Steps, str]]:
    """References lead to places inside the document: nothing is fetched."""
    for steps, node in _nodes(root):
        if not isinstance(node, yaml.ScalarNode) or steps[-1:] != ("$ref",):
            continue
        if not node.value.startswith("#"):
            yield steps, "must be a reference inside the document (#/…)"
        elif node.value.startswith("#/") and _at(root, _pointer(node.value[2:]), whole=True) is None:
            yield steps, "leads nowhere"


def _nodes(root: Any) -> Iterator[tuple[Steps, Any]]:
    waiting: list[tuple[Steps, Any]] = [((), root)]
    seen = set()
    while waiting:
        steps, node = waiting.pop()
        yield steps, node
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, _MAP):
            waiting += [((*steps, str(key.value)), value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [((*steps, index), value) for index, value in enumerate(node.value)]


def _pointer(text: str) -> Steps:
    """RFC 6901 sections 4 and 6."""
    return tuple(unquote(step).replace("~1", "/").replace("~0", "~") for step in text.split("/"))


def _at(root: Any, steps: Iterable[str | int], *, whole: bool = False) -> Any:
    """The node there, or the nearest above it; None where `whole` and there is none."""
    node = root
    for step in steps:
        below = _child(node, step)
        if below is None:
            return None if whole else node
        node = below
    return node


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, _MAP):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and str(step).isdecimal() and int(step) < len(node.value):
        return node.value[int(step)]
    return None


def _invalid(document: dict[str, Any], minor: str) -> Iterator[tuple[Steps, str]]:
    module = import_module("openapi_spec_validator")
    validator = getattr(module, f"OpenAPIV3{minor}SpecValidator")(document)
    try:
        for error in validator.iter_errors():
            message = " ".join(str(error.message).partition("\n")[0].split())
            yield tuple(error.absolute_path) or _named_path(document, message), message
    except Exception as error:
        yield (), f"can't be validated ({type(error).__name__})"


def _named_path(document: dict[str, Any], message: str) -> Steps:
    paths = document.get("paths")
    names = paths if isinstance(paths, dict) else {}
    return next((("paths", name) for name in names if f"'{name}'" in message), ())


def _problem(path: Path, root: Any, problems: list[tuple[Steps, str]]) -> DocumentError:
    said = []
    for steps, text in problems[:_SHOWN]:
        mark = _at(root, steps).start_mark
        where = ".".join(map(str, steps))
        told = f"{where}: {text[:_LONGEST]}" if where else text[:_LONGEST]
        said.append(f"{path}:{mark.line + 1}:{mark.column + 1}: {told}")
    more = len(problems) - len(said)
    return DocumentError("; ".join(said) + (f"; and {more} more" if more > 0 else ""))


def _ours(document: dict[str, Any]) -> dict[str, Any]:
    """Where the servers are and who may call is settled by gateway.yaml."""
    found = {key: value for key, value in document.items() if key not in ("servers", "security")}
    paths = found.get("paths") or {}
    found["paths"] = {name: _item(item) for name, item in paths.items()}
    return {**found, "servers": [{"url": "/"}]}


def _item(item: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in item.items() if key != "servers"}
    for method in METHODS:
        if isinstance(kept.get(method), dict):
            kept[method] = {k: v for k, v in kept[method].items() if k not in ("servers", "security")}
    return kept
