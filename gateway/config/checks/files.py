"""Whether the content of a file is what its key asks for: what `run` would else find out, without a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.problems import KeyPath

MISSING = "there is no such file"


def content_problem(file: Path, context: CheckContext, read: Callable[[bytes], object]) -> str | None:
    """Why a file can't be used; None: it can. `read` raises ValueError, whose text goes on from "it"."""
    if not context.is_file(file):
        return MISSING
    try:
        read(context.read(file))
    except OSError as error:
        return f"can't be read: {error.strerror}"
    except ValueError as error:
        return f"can't be used: it {error}"
    return None


def client_tls_findings(
    path: KeyPath,
    context: CheckContext,
    ca: Path | None,
    certificate: Path | None = None,
    key: Path | None = None,
) -> Iterator[CheckFinding]:
    """What is wrong with the files that the gateway needs as a TLS client; `path`: of the keys `ca`,
    `certificate` and `key`.
    """
    files = {"ca": ca, "certificate": certificate, "key": key}
    missing = [name for name, file in files.items() if file is not None and not context.is_file(file)]
    for name in missing:
        yield CheckFinding((*path, name), MISSING)
    problem = None if missing else context.client_tls_problem(ca, certificate, key)
    if problem is not None:
        yield CheckFinding((*path, problem[0]), problem[1])
