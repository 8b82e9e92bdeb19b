"""Changes JSON bodies: renames, removes and sets members."""

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, Field, model_validator

from gateway.plugin import (
    BAD_REQUEST,
    UPSTREAM_BROKEN,
    BodyKind,
    Exchange,
    MessageBody,
    PluginConfig,
    PluginContext,
    Problem,
    ProxyPlugin,
    Size,
)

_BAD_ESCAPE = re.compile(r"~(?![01])")
_JSON = re.compile(r"application/(?:json|[A-Za-z0-9!#$&^_.-]{1,100}\+json)", re.IGNORECASE)
EVERY = "*"


def check_pointer(value: str) -> str:
    """Validates a JSON Pointer (RFC 6901 section 3) to something below the root."""
    if not value.startswith("/") or _BAD_ESCAPE.search(value):
        raise ValueError("must be a JSON Pointer such as /customer/name or /items/*/price")
    return value


Pointer = Annotated[str, AfterValidator(check_pointer)]


class BodyChanges(PluginConfig):
    """Changes of a JSON document, applied in the order of these keys."""

    rename: dict[Pointer, str] = Field(default={}, description="New names of members, by their place.")
    remove: tuple[Pointer, ...] = Field(default=(), description="Members and items that are removed.")
    set: dict[Pointer, Any] = Field(
        default={}, description="Values by their place. Objects that are missing on the way are made."
    )


class TransformConfig(PluginConfig):
    """Options of `transform`."""

    request: BodyChanges = Field(default=BodyChanges(), description="Changes of the request's body.")
    response: BodyChanges = Field(default=BodyChanges(), description="Changes of the response's body.")
    max: Size = Field(
        default=1024**2,
        description="The largest JSON body that is changed: a larger request is 413, a larger response 502.",
    )

    @model_validator(mode="after")
    def _not_empty(self) -> "TransformConfig":
        if self.request == BodyChanges() and self.response == BodyChanges():
            raise ValueError("needs request, response or both, with changes")
        return self


class DocumentChanges:
    """The changes of one kind of message."""

    def __init__(self, config: BodyChanges) -> None:
        self._renamed = [(_steps(pointer), name) for pointer, name in config.rename.items()]
        self._removed = [_steps(pointer) for pointer in config.remove]
        self._set = [(_steps(pointer), value) for pointer, value in config.set.items()]

    def apply(self, document: Any) -> None:
        """Changes the document. A place that is not there is left alone."""
        for (*above, last), name in self._renamed:
            for holder in _holders(document, above):
                if isinstance(holder, dict) and last in holder:
                    holder[name] = holder.pop(last)
        for *above, last in self._removed:
            for holder in _holders(document, above):
                _remove(holder, last)
        for (*above, last), value in self._set:
            for holder in _holders(document, above, make=True):
                _set(holder, last, value)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _holders(document: Any, steps: list[str], *, make: bool = False) -> Iterator[Any]:
    """Whatever is at this place; `*` is every item of an array, or every member of an object."""
    if not steps:
        yield document
        return
    step, rest = steps[0], steps[1:]
    if make and isinstance(document, dict) and step != EVERY:
        document.setdefault(step, {})
    for found in _children(document, step):
        yield from _holders(found, rest, make=make)


def _children(holder: Any, step: str) -> list[Any]:
    if isinstance(holder, dict):
        return list(holder.values()) if step == EVERY else [holder[step]] if step in holder else []
    if isinstance(holder, list):
        if step == EVERY:
            return list(holder)
        index = _index(step, holder)
        return [] if index is None else [holder[index]]
    return []


def _index(step: str, holder: list[Any]) -> int | None:
    """RFC 6901 section 4: digits without leading zeros."""
    if not step.isascii() or not step.isdigit() or (step != "0" and step.startswith("0")):
        return None
    return int(step) if int(step) < len(holder) else None


def _remove(holder: Any, last: str) -> None:
    if isinstance(holder, dict | list) and last == EVERY:
        holder.clear()
    elif isinstance(holder, dict):
        holder.pop(last, None)
    elif isinstance(holder, list) and (index := _index(last, holder)) is not None:
        del holder[index]


def _set(holder: Any, last: str, value: Any) -> None:
    if isinstance(holder, dict):
        for key in list(holder) if last == EVERY else [last]:
            holder[key] = value
    elif isinstance(holder, list):
        if last == "-":
            holder.append(value)
        elif last == EVERY:
            holder[:] = [value] * len(holder)
        elif (index := _index(last, holder)) is not None:
            holder[index] = value


class Transform(ProxyPlugin):
    """Changes JSON bodies; all others pass as they are."""

    Config = TransformConfig

    def __init__(self, config: TransformConfig, context: PluginContext) -> None:
        super().__init__(config, context)
        given: dict[BodyKind, BodyChanges] = {"request": config.request, "response": config.response}
        self._changes = {kind: DocumentChanges(one) for kind, one in given.items() if one != BodyChanges()}
        self.body_limits = dict.fromkeys(self._changes, config.max)
        self.idle = () if "response" in self._changes else ("on_forward",)

    def wants_body(self, exchange: Exchange, kind: BodyKind) -> bool:
        """JSON alone."""
        head = exchange.request if kind == "request" else exchange.response
        types = [] if head is None else [v for n, v in head.headers if n.lower() == b"content-type"]
        media_type = types[0].partition(b";")[0].strip().decode("latin-1") if types else ""
        return _JSON.fullmatch(media_type) is not None

    def on_forward(self, exchange: Exchange) -> None:
        """Asks for the whole document, and not compressed: it is to be changed."""
        if exchange.forward is not None:
            for name in ("Accept-Encoding", "Range", "If-Range"):
                exchange.forward.remove(name)

    def on_body(self, exchange: Exchange, body: MessageBody) -> None:
        """Changes the document."""
        head = exchange.request if body.kind == "request" else exchange.response
        codings = [] if head is None else [v for n, v in head.headers if n.lower() == b"content-encoding"]
        if any(coding.strip().lower() != b"identity" for coding in codings):
            raise _unusable(body, "is compressed")
        if not body.content:
            return
        try:
            document = json.loads(body.content, parse_constant=_no_number, parse_float=_number)
        except (ValueError, RecursionError):
            raise _unusable(body, "is not valid JSON") from None
        self._changes[body.kind].apply(document)
        body.content = json.dumps(document, separators=(",", ":")).encode()

    def summary(self) -> str:
        """Which bodies are changed, for `gatepost explain`."""
        return f"Transform ({' and '.join(self._changes)})"


def _number(text: str) -> float:
    """A number as it can be written again: JSON has no infinity."""
    number = float(text)
    return number if isfinite(number) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _unusable(body: MessageBody, what: str) -> Problem:
    if body.kind == "request":
        return Problem(BAD_REQUEST, f"The body {what}.")
    return Problem(UPSTREAM_BROKEN, reason=f"the response's body {what}, and is to be transformed")
