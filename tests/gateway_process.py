"""Starts the program as a process of its own, forked from one that has imported it already.

A start is mostly Python loading modules: forking spares two thirds of it, some hundred times in a run of the
suite. What is started is `gatepost` itself, with its own arguments, environment, folder and standard error;
or the small gateway of `tests/process`.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import reduction
from pathlib import Path
from typing import Any

PRELOADED = (
    "uvloop",
    "gateway.cli",
    "gateway.commands.run",
    "gateway.app",
    "gateway.process.multi_worker",
    "gateway.process.single_worker",
    "gateway.assembly.portal",
    "gateway.plugin.limit_plugin",
    # What a gateway loads when it has begun to serve, and when it first needs it.
    "gateway.store.redis_pool",
    "encodings.idna",
    "jinja2.ext",
    "zxcvbn",
    "tests.process.small_gateway",
    "tests.frozen_heap",
)
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(list(PRELOADED))


class _Descriptor:
    """A file descriptor that the new process gets a duplicate of."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (reduction.DupFd(self.number),)


def _received(duplicate: Any) -> _Descriptor:
    return _Descriptor(duplicate.detach())


GATEWAY = ("-m", "gateway", "run", "-c")
SMALL_GATEWAY = (str(Path(__file__).with_name("process") / "small_gateway.py"),)


CHEAP_HASHES = {"CHEAP_HASHES": "1"}
"""The environment of a forked gateway whose passwords take no 30 ms of CPU time each: for tests of something
else, that sign people in often. `tests/accounts/test_passwords.py` tests what the product takes."""


def hash_cheaply() -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415 (only the new process needs it)

    from gateway.accounts import passwords  # noqa: PLC0415

    passwords.hasher = lambda: PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def run_gateway(arguments: Sequence[str]) -> None:
    from gateway.cli import main  # noqa: PLC0415 (only the new process needs it)

    sys.argv = ["gatepost", "run", "-c", *arguments]
    main(prog_name="gatepost")


def run_small_gateway(arguments: Sequence[str]) -> None:
    from tests.process.small_gateway import main  # noqa: PLC0415

    sys.argv = [*SMALL_GATEWAY, *arguments]
    main()


FORKED: dict[tuple[str, ...], Callable[[Sequence[str]], None]] = {
    GATEWAY: run_gateway,
    SMALL_GATEWAY: run_small_gateway,
}
"""What each program does, by Python's arguments before the path of its configuration."""


def _run(
    program: tuple[str, ...],
    arguments: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    errors: _Descriptor,
) -> None:
    os.dup2(errors.number, 2)
    os.close(errors.number)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # To itself it is a program of its own, which an upgrade can start anew.
    multiprocessing.process._parent_process = None  # type: ignore[attr-defined]
    sys.orig_argv = [sys.executable, *program, *arguments]
    if environment.keys() >= CHEAP_HASHES.keys():
        hash_cheaply()
    FORKED[program](arguments)


class ForkedProcess:
    """What `subprocess.Popen` offers of a process, as far as tests need it."""

    def __init__(
        self,
        program: tuple[str, ...],
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        reading, writing = os.pipe()
        wanted = (program, tuple(arguments), str(folder), dict(environment), _Descriptor(writing))
        self._process = _CONTEXT.Process(target=_run, args=wanted, daemon=True)
        self._process.start()
        os.close(writing)
        self.stderr = os.fdopen(reading, encoding="utf-8")
        pid = self._process.pid
        assert pid is not None
        self.pid: int = pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("gatepost", timeout or 0.0)
        return code
