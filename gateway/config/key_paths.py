"""The keys a model allows at a path, for "did you mean" suggestions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.problems import KeyPath


def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields by their YAML key."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys allowed in the mapping at this path; empty if there is no mapping."""
    annotations: list[Any] = [model]
    for part in path:
        annotations = [below for annotation in annotations for below in _below(annotation, part)]
    models = [option for annotation in annotations for option in _options(annotation) if is_model(option)]
    return list(dict.fromkeys(key for option in models for key in fields(option)))


def is_model(annotation: Any) -> bool:
    """Whether an annotation is a model with fields."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation is not BaseModel


def _options(annotation: Any) -> Iterator[Any]:
    """The annotation without `Annotated`, and each member of a union."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _options(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _options(member)
    else:
        yield annotation


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    for option in _options(annotation):
        if is_model(option):
            if part in fields(option):
                yield fields(option)[str(part)].annotation
        else:
            yield from _items(option)


def _items(option: Any) -> tuple[Any, ...]:
    """The item type of a list or mapping annotation."""
    origin, arguments = get_origin(option), get_args(option)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return arguments[1:2]
    return arguments[:1] if isinstance(origin, type) else ()
