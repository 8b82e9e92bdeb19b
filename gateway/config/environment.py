"""`${NAME}` and `${NAME:-default}`: references to environment variables; `${file:PATH}`: to a file's content.

As in a shell, the default also replaces an empty variable. `$${` is a literal `${`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from gateway.config.problems import ConfigIssue, KeyPath
from gateway.config.secret_files import read_secret
from gateway.config.tree import Leaf, ListNode, Node
from gateway.runtime.give_way import give_way

FILE = "file:"
REFERENCE = re.compile(
    r"\$\$\{"
    r"|\$\{(?P<file>file:[^}]*)\}"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|\$\{"
)
SCHEMA_PATTERN = r"\$\{([A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?|file:[^}]+)\}"


def referenced(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a text refers to and that are set, and the files, by `file:PATH`.

    With them as `environ`, the text has the same values in another process, whatever the files hold by then.
    """
    found: dict[str, str] = {}
    for match in REFERENCE.finditer(text):
        file, name = match.group("file", "name")
        if name is not None and name in environ:
            found[name] = environ[name]
        elif file is not None:
            with suppress(ValueError):  # reported by `substitute`
                found[file] = _file(file, environ)
    return dict(sorted(found.items()))


def substitute(root: Node, environ: Mapping[str, str]) -> list[ConfigIssue]:
    """Replaces references in the tree. Leaves with an invalid reference are marked broken."""
    return list(_substitute(root, (), environ, set()))


def _substitute(
    node: Node, path: KeyPath, environ: Mapping[str, str], seen: set[int]
) -> Iterator[ConfigIssue]:
    if isinstance(node, Leaf):
        # Aliases share a node: it is replaced and reported once.
        if isinstance(node.value, str) and "${" in node.value and id(node) not in seen:
            seen.add(id(node))
            yield from _replace(node, node.value, path, environ)
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            give_way()
            yield from _substitute(item, (*path, index), environ, seen)
    else:
        for key, entry in node.entries.items():
            yield from _substitute(entry.node, (*path, key), environ, seen)


def _replace(leaf: Leaf, text: str, path: KeyPath, environ: Mapping[str, str]) -> Iterator[ConfigIssue]:
    try:
        leaf.value, leaf.from_environment = resolve(text, environ)
    except ValueError as error:
        leaf.broken = True
        yield ConfigIssue(leaf.place, path, str(error))


def resolve(text: str, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Returns the text with its references replaced, and whether it had any.

    Raises:
        ValueError: a reference is malformed, its variable is unset and has no default, or its file can't be
            used.
    """
    resolved, end, used = "", 0, False
    for match in REFERENCE.finditer(text):
        resolved += text[end : match.start()]
        end = match.end()
        if match.group() == "$${":
            resolved += "${"
        else:
            used = True
            resolved += _variable(match, environ)
    return resolved + text[end:], used


def _file(reference: str, environ: Mapping[str, str]) -> str:
    known = environ.get(reference)
    return read_secret(reference.removeprefix(FILE)) if known is None else known


def _variable(match: re.Match[str], environ: Mapping[str, str]) -> str:
    file, name, default = match.group("file", "name", "default")
    if file is not None:
        return _file(file, environ)
    if name is None:
        raise ValueError(
            "has a malformed reference: write ${NAME}, ${NAME:-default} or ${file:PATH}, "
            "and $${ for a plain ${"
        )
    value = environ.get(name)
    if default is not None and not value:
        return str(default)
    if value is None:
        raise ValueError(f"the environment variable {name} is not set (a default goes like ${{{name}:-…}})")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the environment variable {name} is not UTF-8") from None
    return value
