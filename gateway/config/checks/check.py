"""The interface of cross checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.tls import TlsAcme, TlsFiles


@dataclass(frozen=True, slots=True)
class CheckContext:
    """Inputs of a check besides the settings."""

    upstreams: frozenset[str]
    """All names under `upstreams`, also of invalid ones."""
    issuers: frozenset[str]
    """All names under `issuers`, also of invalid ones."""
    grants: frozenset[str]
    """All names under `grants`, and the default grant."""
    known_grants: Callable[[], tuple[str, ...]]
    """Names of the available grant plugins. Finds all that are installed, which takes a while."""
    is_file: Callable[[Path], bool]
    read: Callable[[Path], bytes]
    """Reads a file. Raises OSError."""
    tls_problem: Callable[[TlsFiles | TlsAcme], tuple[str, str] | None]
    """Why the files of a certificate can't be used: the key of the wrong file, and the reason."""
    client_tls_problem: Callable[[Path | None, Path | None, Path | None], tuple[str, str] | None] = (
        lambda _ca, _certificate, _key: None
    )
    """The same of files that the gateway needs as a client: `ca`, `certificate` and `key`."""
    installed: Callable[[str], bool] = lambda _package: True
    """Whether there is a package of this name."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Environment variables."""


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """A conflict between keys that are valid by themselves. Contains no values."""

    path: KeyPath
    text: str
    first: KeyPath | None = None
    """The earlier key it conflicts with; its line is reported."""
    depends: tuple[KeyPath, ...] = ()
    """The compared keys. If one of them is invalid, the finding is dropped."""
    invalid: str | None = None
    """The unknown name, for a suggestion from `valid`."""
    valid: tuple[str, ...] = ()


Check = Callable[[Settings, CheckContext], Iterator[CheckFinding]]
