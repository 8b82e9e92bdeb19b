"""Which keys a model knows, and where: for suggestions, the schema and the documentation's test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.config.problem import KeyPath


def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields under the names that the file has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that a mapping at this path may have; none where there is no such mapping."""
    annotations: list[Any] = [model]
    for part in path:
        annotations = [below for annotation in annotations for below in _below(annotation, part)]
    models = [option for annotation in annotations for option in _options(annotation) if is_model(option)]
    return [key for option in models for key in fields(option)]


def all_keys(model: type[BaseModel], base: str = "") -> Iterator[str]:
    """Every key of a model, as documented: `server.listen[].port`, `upstreams.<name>.servers`."""
    for name, field in fields(model).items():
        yield f"{base}{name}"
        for inner, suffix in _inner_models(field.annotation, ""):
            yield from all_keys(inner, f"{base}{name}{suffix}.")


def is_model(annotation: Any) -> bool:
    """Whether an annotation is a model that has keys of its own."""
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
    """What a list's or a mapping's annotation says of its items."""
    origin, arguments = get_origin(option), get_args(option)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return arguments[1:2]
    return arguments[:1] if isinstance(origin, type) else ()


def _inner_models(annotation: Any, suffix: str) -> Iterator[tuple[type[BaseModel], str]]:
    for option in _options(annotation):
        if is_model(option):
            yield option, suffix
        for item in _items(option):
            mapping = issubclass(get_origin(option) or object, Mapping)
            yield from _inner_models(item, suffix + (".<name>" if mapping else "[]"))
