"""Decodes a part of the tree with a model, and finds all that is wrong with it at once."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.config.draft import Draft, prefixes
from gateway.config.keys import keys_at
from gateway.config.problem import Fault, KeyPath
from gateway.config.tree import Leaf, Node, find, key_place
from gateway.config.wording import MISSING, UNKNOWN, describe

Model = TypeVar("Model", bound=BaseModel)

MOST_ROUNDS = 24
"""Each round leaves out what the last one found; what lacks a key goes with it, so there can be some."""
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
    model: type[Model], node: Node, base: KeyPath, draft: Draft, beside: tuple[str, ...] = ()
) -> tuple[Model | None, list[Fault]]:
    """What the model makes of the node, which stands at `base`, without its faulty parts; and the faults.

    No outcome means that too much is faulty. `beside` are further keys that the author may have meant.
    """
    faults: list[Fault] = []
    for _ in range(MOST_ROUNDS):
        if draft.gone(node, base):
            break
        try:
            return model.model_validate(draft.plain(node, base)), faults
        except ValidationError as error:
            faults += _Mending(model, node, base, draft, beside).mend(error)
        except Exception as error:
            # A plugin's own check may fail in any way.
            return None, [*faults, Fault(node.place, base, f"could not be checked ({type(error).__name__})")]
    return None, faults


class _Mending:
    """Takes what a round found out of the draft."""

    def __init__(
        self, model: type[BaseModel], node: Node, base: KeyPath, draft: Draft, beside: tuple[str, ...]
    ) -> None:
        self._model = model
        self._node = node
        self._base = base
        self._draft = draft
        self._beside = beside

    def mend(self, error: ValidationError) -> list[Fault]:
        by_path: dict[KeyPath, list[ErrorDetails]] = {}
        faults: list[Fault] = []
        lost: list[KeyPath] = []
        for detail in error.errors(include_url=False, include_input=False):
            if detail["type"] == MISSING:
                faults += self._missing(detail, lost)
            else:
                path = self._draft.locate(self._node, self._base, detail["loc"])
                by_path.setdefault(path, []).append(detail)
        above = {prefix for path in by_path for prefix in prefixes(path[:-1]) if path != prefix}
        for path, details in by_path.items():
            # A list that lacks its faulty items may be too short: no fault of the author's.
            if path in above or self._converted(path, details):
                continue
            if not self._draft.lost_parts(path):
                faults.append(self._fault(path, details))
            lost.append(path)
        for path in lost:
            self._draft.remove(path)
        return faults

    def _missing(self, detail: ErrorDetails, lost: list[KeyPath]) -> list[Fault]:
        holder = self._draft.locate(self._node, self._base, detail["loc"][:-1])
        path = (*holder, detail["loc"][-1])
        lost.append(holder)
        node = self._at(holder)
        written = find(node, path[len(holder) :])
        # It is there, but faulty: that has been said.
        return [] if written is not None else [Fault(node.place, path, describe(detail, node, []))]

    def _converted(self, path: KeyPath, details: list[ErrorDetails]) -> bool:
        """The environment has only text: where a number or a boolean is wanted, it is read as one."""
        node = self._at(path)
        if not isinstance(node, Leaf) or not node.from_environment or path in self._draft.replaced:
            return False
        values = [_converted(str(node.value), detail["type"]) for detail in details]
        usable = [value for value in values if value is not None]
        if usable:
            self._draft.replaced[path] = usable[0]
        return bool(usable)

    def _fault(self, path: KeyPath, details: list[ErrorDetails]) -> Fault:
        node = self._at(path)
        keys = keys_at(self._model, path[len(self._base) : -1]) if path != self._base else []
        if len(path) == len(self._base) + 1:
            keys += self._beside
        texts = dict.fromkeys(describe(detail, node, keys) for detail in details)
        at_key = any(detail["type"] == UNKNOWN or detail["loc"][-1:] == (KEY,) for detail in details)
        place = key_place(self._node, path[len(self._base) :]) if at_key else node.place
        return Fault(place, path, ", or ".join(texts))

    def _at(self, path: KeyPath) -> Node:
        return find(self._node, path[len(self._base) :]) or self._node


def _converted(text: str, kind: str) -> Any:
    if kind in ("bool_type", "needs_bool"):
        return BOOLEANS.get(text.lower())
    if kind in ("int_type", "needs_int"):
        return int(text) if INTEGER.fullmatch(text) else None
    if kind == "float_type":
        return float(text) if DECIMAL.fullmatch(text) else None
    return None
