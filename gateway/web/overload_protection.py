"""Protection of a worker against more requests than its event loop can answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.clock import Clock
from gateway.http.endpoints import GatewayPaths
from gateway.runtime.cpu_wait import CpuWait
from gateway.server.loop_delay import LoopDelayMonitor, LoopOverload
from gateway.telemetry.snapshot import Gauges
from gateway.web.overload_guard import OverloadGuard
from gateway.web.refusal_recorder import RefusalRecorder
from gateway.web.request_recorder import RequestRecorder


class OverloadProtection:
    """The guard of client connections, and what it goes by. `start` it first; `stop` it last."""

    def __init__(
        self,
        max_delay: float | None,
        trusted: Callable[[str], bool],
        paths: GatewayPaths,
        recorder: RequestRecorder,
        refusals: RefusalRecorder,
        new_id: Callable[[], str],
        clock: Clock,
    ) -> None:
        """`max_delay`: seconds by which the loop may be late; None: by any number."""
        self.guard: OverloadGuard | None = None
        """None: nothing is refused."""
        self._monitor: LoopDelayMonitor | None = None
        self._cpu_wait: CpuWait | None = None
        if max_delay is not None:
            rule = LoopOverload(max_delay)
            self._monitor = LoopDelayMonitor(rule, max_delay, time.monotonic, self._waited)
            age = self._monitor.age_of_turn
            self.guard = OverloadGuard(rule, age, trusted, paths, recorder, refusals, new_id, clock)

    def start(self) -> None:
        """Begins to measure the running loop."""
        if self._monitor is not None:
            self._cpu_wait = CpuWait()
            self._monitor.start()

    def stop(self) -> None:
        """Refuses nothing more."""
        if self._monitor is not None:
            self._monitor.stop()
        if self._cpu_wait is not None:
            self._cpu_wait.close()

    def _waited(self) -> float:
        return 0.0 if self._cpu_wait is None else self._cpu_wait.seconds()

    def gauges(self) -> Gauges:
        """What was measured last."""
        if self._monitor is None:
            return {}
        return {"event_loop_delay": {(): self._monitor.delay}}
