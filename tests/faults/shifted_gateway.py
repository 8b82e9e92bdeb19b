"""`gatepost` on a machine whose clock is wrong: `shifted_gateway.py FILE-WITH-SECONDS run -c …`.

The file says by how many seconds the clock is ahead; writing another number steps the clock.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

FILE = Path(sys.argv.pop(1))
honest = time.time


def shifted() -> float:
    return honest() + float(FILE.read_text() or 0)


time.time = shifted  # before anything imports it

from gateway.cli import main  # noqa: E402

if __name__ == "__main__":
    main(prog_name="gatepost")
