"""An upgrade without a lost connection: a new program takes this one's place."""

from __future__ import annotations

import logging
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.config.model import Settings
from gateway.errors import StartError
from gateway.process.handover import Handover, passed
from gateway.process.next_program import NextProgram, Outcome
from gateway.process.service_manager import READY, main_process, notify, reloading

if TYPE_CHECKING:
    from gateway.process.worker import RuntimeContext

log = logging.getLogger("gatepost")

POLL_INTERVAL = 0.02
"""Seconds between two looks at the next program."""

UPGRADE = signal.SIGUSR2
"""Asks for an upgrade."""

RESTART_KEYS = frozenset({"server.listen", "management"})
"""No reload changes them: Envoy (HTTP/2 and HTTP/3) can't open what is open here, and whoever waits for the
reload asks at the old address of the management listener.
"""

_INIT = 1


@dataclass(frozen=True, slots=True)
class RestartingReload:
    """A reload that changes what only another process can have."""

    old: Settings
    new: Settings


def _has_parent() -> bool:
    """Whether `multiprocessing` has started this process. It is loaded then, and only then is it asked."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None


class Upgrades:
    """Starts the next program, and gives it all once it is ready. One at a time."""

    def __init__(self, context: RuntimeContext, manager: str) -> None:
        """`manager`: the service manager's address."""
        self._context = context
        self._manager = manager
        self._next: NextProgram | None = None
        self._reload: RestartingReload | None = None
        self._asked = False
        """Whether somebody waits for the report of an upgrade, and not only of a reload."""
        self.handed_over = False
        """Whether another program is in charge: this one only finishes what it has begun."""

    @property
    def under_way(self) -> bool:
        """Whether the next program is starting."""
        return self._next is not None and not self.handed_over

    def refusal(self) -> str | None:
        """Why there can be no upgrade; None: there can."""
        if os.getpid() == _INIT:
            return (
                "the gateway is process 1, and its container would end with it: start a container of the new "
                "version beside it"
            )
        if _has_parent():
            return "the gateway is a part of another program, which can't be started anew"
        if self._context.edge.running:
            return (
                "the Envoy of listeners with http: 2 or 3 can't be handed on: start the new version beside "
                "this one, and stop this one"
            )
        return None

    def can_apply(self, keys: list[str]) -> bool:
        """Whether the next program can have other values of keys that this one can't change."""
        return self.refusal() is None and not RESTART_KEYS.intersection(keys)

    def begin(self, reload: RestartingReload | None = None) -> None:
        """Starts the next program, or reports why not. While one is starting nothing happens.

        `reload`: what asks for it; else it was asked for by itself.
        """
        if self._next is not None:
            log.info("an upgrade is under way already")
            self._asked = self._asked or reload is None
            return
        self._reload, self._asked = reload, reload is None
        notify(reloading(), self._manager)
        try:
            refusal = self.refusal()
            if refusal is not None:
                raise StartError(refusal)
            self._next = NextProgram(self._handover(), self._manager)
        except StartError as error:
            self._failed(str(error))
        else:
            log.info("process %d is starting to take over", self._next.pid)

    def poll(self) -> bool:
        """Whether the next program has just taken over: this process must stop to accept. Never waits."""
        if self._next is None or self.handed_over:
            return False
        outcome = self._next.poll()
        if outcome is None:
            return False
        if outcome.failure is not None:
            # At once: whoever serves may be waiting for it here. It has accepted nothing.
            self._next.stop(patience=0.0)
            self._next = None
            self._failed(outcome.failure)
            return False
        self._succeeded(self._next, outcome)
        return True

    def cancel(self) -> None:
        """Ends a program that is starting: this one has been told to stop."""
        if self._next is not None and not self.handed_over:
            self._next.stop()
            self._next = None

    @property
    def successor_ended(self) -> bool:
        """Whether the program that has taken over shuts down: what is left here must end, too."""
        return self.handed_over and self._next is not None and self._next.ended

    def release_in_worker(self) -> None:
        """For a forked worker."""
        if self._next is not None:
            self._next.close()

    def tell(self, number: signal.Signals) -> None:
        """Passes a signal on to the program that has taken over."""
        if self._next is not None and not self._next.ended:
            os.kill(self._next.pid, number)

    def _handover(self) -> Handover:
        sockets, takeover = self._context.listeners.current, self._context.takeover
        return Handover(
            0,
            0,
            () if takeover is None else takeover.links,
            tuple(passed(listener) for listener in sockets.public),
            None if sockets.management is None else passed(sockets.management),
            self._context.store.inheritance,
        )

    def _succeeded(self, program: NextProgram, outcome: Outcome) -> None:
        context, self.handed_over = self._context, True
        for line in program.words.splitlines():
            log.warning("process %d: %s", program.pid, line)
        if self._reload is not None:
            context.reloads.succeeded(self._reload.old, self._reload.new, [])
        if self._asked:
            context.upgrades.succeeded(outcome.version, program.pid)
        if outcome.takes_store:
            context.store.give_away()
        context.listeners.give_away()
        # Before the other one hears of it: the manager must know it by then.
        notify(main_process(program.pid), self._manager)
        program.hand_over(
            {
                "reload": context.reloads.passed_on,
                "upgrade": context.upgrades.report.written,
            }
        )

    def _failed(self, reason: str) -> None:
        if self._reload is not None:
            self._context.reloads.failed(StartError(reason))
        if self._asked:
            self._context.upgrades.failed(reason)
        notify(READY, self._manager)
