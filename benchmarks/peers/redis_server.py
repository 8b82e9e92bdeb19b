"""A Redis of its own, on the load's core: Debian's, or else the Valkey that Gatepost brings."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import Contender
from benchmarks.load import LOAD_CORE
from gateway.store.embedded.binary import find_binary


class RedisServer(Contender):
    """What Gatepost and nginx keep tokens in, where it is to be a server of its own."""

    name = "Redis"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, cores={LOAD_CORE})

    def command(self) -> Sequence[str]:
        program = shutil.which("redis-server") or str(find_binary())
        return [program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
