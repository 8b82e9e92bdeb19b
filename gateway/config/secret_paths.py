"""Where a configuration has secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from gateway.config.grants import GrantSettings
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.value_types import HASHED

_NETLOC_END = re.compile("[/?#]")


def secret_paths(settings: Settings) -> Iterator[tuple[KeyPath, bool]]:
    """The path of each secret that is not empty, and whether only its hash is given."""
    yield from _in(settings, ())
    if _has_password(settings.store.url):
        yield ("store", "url"), False


def _has_password(url: str) -> bool:
    # `urlsplit` refuses some lists of hosts.
    user, _, _ = _NETLOC_END.split(url.partition("://")[2], maxsplit=1)[0].rpartition("@")
    return user.partition(":")[2] != ""


def _in(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, bool]]:
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        if text:
            yield path, text.startswith((HASHED, "$argon2"))
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            # The keys of a grant's plugin stand beside the grant's own.
            beside = isinstance(value, GrantSettings) and name == "config"
            yield from _in(getattr(value, name), path if beside else (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _in(item, (*path, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _in(item, (*path, index))
