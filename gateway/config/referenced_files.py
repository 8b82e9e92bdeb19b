"""Which files a configuration is made of, and which it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gateway.config.includes import names_of
from gateway.config.model import Settings
from gateway.config.store import tls_files

_SECRET_FILE = re.compile(r"\$\{file:([^}]*)\}")


def source_files(settings: Settings) -> list[str]:
    """The configuration's own files, as they are named now: a pattern may match further ones."""
    if settings.source is None:
        return []
    main = Path(settings.source.file)
    return [str(main), *(name for pattern in settings.source.found for name in names_of(main, pattern))]


def referenced_files(settings: Settings) -> list[str]:
    """Files that the configuration names: certificates, keys, JWK sets, secrets. Not directories."""
    source = settings.source
    texts = () if source is None else (source.text, *(text for _, text in source.included))
    secrets = [path for text in texts for path in _SECRET_FILE.findall(text)]
    paths = [*_paths(settings), *tls_files(settings.store.url).values()]
    return [*(str(path) for path in paths if path != settings.server.state_dir), *secrets]


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _paths(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _paths(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _paths(item)
