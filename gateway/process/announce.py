"""What a person or a script waits for on standard error."""

from __future__ import annotations

import sys

from gateway.config.model import Settings
from gateway.process.doors import Doors
from gateway.process.logs import printable


def ready_line(doors: Doors, workers: int, settings: Settings) -> str:
    """`gatepost: ready on …`, with the addresses as they are, also where any free port was asked for."""
    where = " ".join(str(listener.address) for listener in doors.public)
    facts = [f"{workers} worker{'' if workers == 1 else 's'}", f"store {store_kind(settings)}"]
    if doors.management is not None:
        facts.append(f"management {doors.management.address}")
    return f"ready on {where} ({', '.join(facts)})"


def store_kind(settings: Settings) -> str:
    """`embedded`, or the scheme of the store's URL: the URL itself may hold a password."""
    return settings.store.url.partition(":")[0]


def announce(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"gatepost: {printable(text)}\n")
    sys.stderr.flush()
