"""A small catalog of plugins, and short ways to load a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import dedent
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.config.key_paths import fields, is_model
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.config.plugin_lookup import Kind
from gateway.config.problems import ConfigurationError


class Nothing(BaseModel):
    """A plugin without keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(BaseModel):
    """A part of a plugin's configuration."""

    model_config = ConfigDict(extra="forbid")
    size: int = 60


class Limit(BaseModel):
    """A plugin with keys of many kinds, not as strict as the file's own model."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: int = Field(ge=1)
    by: Literal["client", "address"] = "client"
    only: list[str] = []
    window: Window | Literal["none"] = "none"
    strictly: bool = False
    word: str = "a"

    @field_validator("word")
    @classmethod
    def short(cls, word: str) -> str:
        """A careless author's check: its text has the value."""
        if len(word) > 8:
            raise ValueError(f"{word} is too long")
        if word == "crash":
            raise KeyError(word)
        return word


class Password(BaseModel):
    """A grant's keys."""

    model_config = ConfigDict(extra="forbid")
    attempts: int = 3


class StubCatalog:
    """Knows four plugins."""

    MODELS: Mapping[Kind, Mapping[str, type[BaseModel]]] = {
        "grant": {"client_credentials": Nothing, "password": Password},
        "proxy": {"request_id": Nothing, "limit": Limit},
    }

    def names(self, kind: Kind) -> list[str]:
        return sorted(self.MODELS[kind])

    def config_model(self, use: str, kind: Kind) -> type[BaseModel]:
        if use not in self.MODELS[kind]:
            raise LookupError(f"there is no plugin {use}")
        return self.MODELS[kind][use]


def settings(text: str, environ: Mapping[str, str] | None = None) -> Settings:
    """What a text means."""
    return load_text(dedent(text), environ or {}, StubCatalog())


def problems(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with a text, a line each, without the file's name."""
    try:
        load_text(dedent(text), environ or {}, StubCatalog(), "f")
    except ConfigurationError as error:
        return [str(problem).removeprefix("f:") for problem in error.problems]
    return []


def all_keys(model: type[BaseModel], base: str = "") -> Iterator[str]:
    """Every key of a model, as it is documented: `server.listen[].port`, `upstreams.<name>.servers`."""
    for name, field in fields(model).items():
        # A grant's decoded keys are no key of the file.
        if name != "config":
            yield f"{base}{name}"
            # A mapping or a list of such mappings is documented once.
            inners = dict(reversed(list(_models(field.annotation, ""))))
            for inner, suffix in inners.items():
                yield from all_keys(inner, f"{base}{name}{suffix}.")


def _models(annotation: Any, suffix: str) -> Iterator[tuple[type[BaseModel], str]]:
    if is_model(annotation):
        yield annotation, suffix
        return
    arguments = [part for part in getattr(annotation, "__args__", ()) if part is not ...]
    origin = getattr(annotation, "__origin__", None)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        suffix, arguments = suffix + ".<name>", arguments[1:]
    elif origin is tuple:
        suffix += "[]"
    for inner in arguments:
        yield from _models(inner, suffix)
