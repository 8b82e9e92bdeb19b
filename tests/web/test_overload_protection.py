"""The protection against overload, as `server.max_event_loop_delay` switches it."""

from __future__ import annotations

from typing import cast

from gateway.clock import system_clock
from gateway.http.endpoints import GatewayPaths
from gateway.http.forwarded import trust
from gateway.web.overload_protection import OverloadProtection
from gateway.web.refusal_recorder import RefusalRecorder
from gateway.web.request_recorder import RequestRecorder
from tests.config.example import settings


def protection(text: str) -> OverloadProtection:
    nobody = cast(RequestRecorder, None), cast(RefusalRecorder, None)
    max_delay = settings(text).server.max_event_loop_delay
    return OverloadProtection(max_delay, trust([]), GatewayPaths(), *nobody, lambda: "id", system_clock)


async def test_it_is_on_by_default_and_tells_the_delay_of_the_loop() -> None:
    made = protection("logging: {}")
    assert made.guard is not None
    assert not made.guard.rule.refusing
    made.start()
    assert made.gauges() == {"event_loop_delay": {(): 0.0}}
    made.stop()


async def test_it_can_be_switched_off() -> None:
    made = protection("server: {max_event_loop_delay: null}")
    assert made.guard is None
    made.start()
    assert made.gauges() == {}
    made.stop()
