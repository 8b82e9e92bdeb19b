"""The startup message on standard error, which scripts may wait for."""

from __future__ import annotations

from gateway.config.model import Settings
from gateway.process.line_writer import line_writer, split_line
from gateway.process.logs import STANDARD_ERROR, printable
from gateway.process.service_manager import READY, notify
from gateway.process.sockets import ListenSockets
from gateway.runtime.edition import is_compiled


def ready_line(sockets: ListenSockets, workers: int, settings: Settings) -> str:
    """`ready on …` with the bound addresses (actual ports), the number of workers, whether it is the compiled
    edition, and the store.
    """
    addresses = " ".join(str(listener.address) for listener in sockets.public)
    compiled = ["compiled"] if is_compiled() else []
    details = [f"{workers} worker{'' if workers == 1 else 's'}", *compiled, f"store {store_kind(settings)}"]
    if sockets.management is not None:
        details.append(f"management {sockets.management.address}")
    return f"ready on {addresses} ({', '.join(details)})"


def store_kind(settings: Settings) -> str:
    """`embedded` or the URL's scheme. The full URL may contain a password."""
    return settings.store.url.partition(":")[0]


def announce_ready(sockets: ListenSockets, workers: int, settings: Settings, manager: str) -> None:
    """Tells people, and the service manager at this address, that the gateway serves."""
    announce(ready_line(sockets, workers, settings))
    notify(READY, manager)


def announce(text: str) -> None:
    """Writes `gatepost: text` as one line to standard error. A full disk costs the line, and nothing else."""
    writer = line_writer(STANDARD_ERROR)
    writer.write(split_line(f"gatepost: {printable(text)}\n".encode(), writer.max_block))
