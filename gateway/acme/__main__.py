"""`python -m gateway.acme STATE_DIR` does what is due for the order on standard input."""

from __future__ import annotations

import random
import signal
import sys
from pathlib import Path

from gateway.acme import BUSY
from gateway.acme.attempt import attempt
from gateway.acme.folder import AcmeFolder
from gateway.acme.order import CertificateOrder
from gateway.clock import system_clock

if __name__ == "__main__":
    order = CertificateOrder.from_json(sys.stdin.read())
    # So that it ends the answers to its challenges.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    done = attempt(order, AcmeFolder(Path(sys.argv[1])), system_clock, random.random)
    sys.exit(BUSY if done is None else 0)
