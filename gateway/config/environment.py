"""`${NAME}` and `${NAME:-default}`: values taken from the environment.

As in a shell, the default also stands in for a variable that is set but empty. `$${` is a plain `${`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gateway.config.problem import Fault, KeyPath
from gateway.config.tree import Leaf, ListNode, Node

REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{")
SCHEMA_PATTERN = r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"


def substitute(root: Node, environ: Mapping[str, str]) -> list[Fault]:
    """Puts the environment's values in place. A leaf whose reference fails is marked broken."""
    return list(_substitute(root, (), environ, set()))


def _substitute(node: Node, path: KeyPath, environ: Mapping[str, str], seen: set[int]) -> Iterator[Fault]:
    if id(node) in seen:
        # Aliases share a node; it is replaced, and complained of, once.
        return
    seen.add(id(node))
    if isinstance(node, Leaf):
        yield from _replace(node, path, environ)
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from _substitute(item, (*path, index), environ, seen)
    else:
        for key, entry in node.entries.items():
            yield from _substitute(entry.node, (*path, key), environ, seen)


def _replace(leaf: Leaf, path: KeyPath, environ: Mapping[str, str]) -> Iterator[Fault]:
    if not isinstance(leaf.value, str) or "${" not in leaf.value:
        return
    try:
        leaf.value, leaf.from_environment = resolve(leaf.value, environ)
    except ValueError as error:
        leaf.broken = True
        yield Fault(leaf.place, path, str(error))


def resolve(text: str, environ: Mapping[str, str]) -> tuple[str, bool]:
    """The text with its references replaced, and whether there were any.

    Raises:
        ValueError: a reference is malformed, or its variable is unset and has no default.
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


def _variable(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name, default = match.group("name", "default")
    if name is None:
        raise ValueError(
            "has a malformed reference: write ${NAME} or ${NAME:-default}, and $${ for a plain ${"
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
