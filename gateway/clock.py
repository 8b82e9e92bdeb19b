"""The one place that reads the wall clock.

Everything else takes a `Clock` as an argument, so a test can say what time it is.
"""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since 1970-01-01 UTC."""

system_clock: Clock = time.time
