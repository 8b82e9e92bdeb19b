"""Validates a part of the tree with a model and collects all its issues at once."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.config.key_paths import keys_at
from gateway.config.messages import MISSING, UNKNOWN, describe
from gateway.config.partial_model import PartialModel, prefixes
from gateway.config.problems import ConfigIssue, KeyPath
from gateway.config.secrets import NAMED
from gateway.config.tree import Leaf, Node, find, key_place

Model = TypeVar("Model", bound=BaseModel)

MAX_ROUNDS = 24
"""Validation rounds. Each removes the invalid parts that the previous one found and validates the rest."""
KEY = "[key]"
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def decode(
    model: type[Model], node: Node, base: KeyPath, partial: PartialModel, siblings: tuple[str, ...] = ()
) -> tuple[Model | None, list[ConfigIssue]]:
    """Validates the node at path `base`. Returns the model without its invalid parts, and the issues.

    The model is None if too much is invalid. `siblings`: further keys for "did you mean" suggestions.
    """
    issues: list[ConfigIssue] = []
    for _ in range(MAX_ROUNDS):
        if partial.excluded(node, base):
            break
        try:
            return model.model_validate(partial.plain(node, base)), issues
        except ValidationError as error:
            issues += _IssueCollector(model, node, base, partial, siblings).collect(error)
        except Exception as error:
            # A plugin's validator may raise anything.
            return None, [
                *issues,
                ConfigIssue(node.place, base, f"could not be checked ({type(error).__name__})"),
            ]
    return None, issues


class _IssueCollector:
    """Removes the invalid parts of one validation round from the partial model and describes them."""

    def __init__(
        self,
        model: type[BaseModel],
        node: Node,
        base: KeyPath,
        partial: PartialModel,
        siblings: tuple[str, ...],
    ) -> None:
        self._model = model
        self._node = node
        self._base = base
        self._partial = partial
        self._siblings = siblings

    def collect(self, error: ValidationError) -> list[ConfigIssue]:
        by_path: dict[KeyPath, list[ErrorDetails]] = {}
        issues: list[ConfigIssue] = []
        removed: list[KeyPath] = []
        for detail in error.errors(include_url=False, include_input=False):
            if detail["type"] == MISSING:
                issues += self._missing(detail, removed)
            else:
                path = self._partial.locate(self._node, self._base, detail["loc"])
                by_path.setdefault(path, []).append(detail)
        above = {prefix for path in by_path for prefix in prefixes(path[:-1]) if path != prefix}
        for path, details in by_path.items():
            # A list without its invalid items may be too short: that is not an issue of the file.
            if path in above or self._convert(path, details):
                continue
            if not self._partial.has_removed_parts(path):
                issues.append(self._issue(path, details))
            removed.append(path)
        for path in removed:
            self._partial.remove(path)
        return issues

    def _missing(self, detail: ErrorDetails, removed: list[KeyPath]) -> list[ConfigIssue]:
        holder = self._partial.locate(self._node, self._base, detail["loc"][:-1])
        path = (*holder, detail["loc"][-1])
        if not self._partial.stand_in(path):
            removed.append(holder)
        node = self._at(holder)
        present = find(node, path[len(holder) :])
        # Present but invalid: already reported.
        return [] if present is not None else [ConfigIssue(node.place, path, describe(detail, node, []))]

    def _convert(self, path: KeyPath, details: list[ErrorDetails]) -> bool:
        """Converts text from the environment where a number or a boolean is expected."""
        node = self._at(path)
        if not isinstance(node, Leaf) or not node.from_environment or path in self._partial.replaced:
            return False
        values = [_convert(str(node.value), detail["type"]) for detail in details]
        usable = [value for value in values if value is not None]
        if usable:
            self._partial.replaced[path] = usable[0]
        return bool(usable)

    def _issue(self, path: KeyPath, details: list[ErrorDetails]) -> ConfigIssue:
        node = self._at(path)
        keys = keys_at(self._model, path[len(self._base) : -1]) if path != self._base else []
        if len(path) == len(self._base) + 1:
            keys += self._siblings
        texts = dict.fromkeys(describe(detail, node, keys) for detail in details)
        at_key = any(detail["type"] == UNKNOWN or detail["loc"][-1:] == (KEY,) for detail in details)
        place = key_place(self._node, path[len(self._base) :]) if at_key else node.place
        if "unknown key" in texts and any(NAMED in detail["loc"] for detail in details):
            # Where a plain secret may stand, a colon behind it makes it a key. What is nearly a known key is
            # none.
            return ConfigIssue(place, path[:-1], "has an unknown key, not shown as it may be a secret")
        return ConfigIssue(place, path, ", or ".join(texts))

    def _at(self, path: KeyPath) -> Node:
        return find(self._node, path[len(self._base) :]) or self._node


def _convert(text: str, kind: str) -> Any:
    if kind in ("bool_type", "needs_bool"):
        return BOOLEANS.get(text.lower())
    if kind in ("int_type", "needs_int"):
        return int(text) if INTEGER.fullmatch(text) else None
    if kind == "float_type":
        return float(text) if DECIMAL.fullmatch(text) else None
    return None
