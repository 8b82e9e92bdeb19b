"""What `/readyz` answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatepostError

TIMEOUT = 5.0
"""Seconds after which a readiness check counts as failed."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What this worker can do now."""

    judge_problem: str | None = None
    """Why tokens can't be judged; None: they can."""
    issue_problem: str | None = None
    """Why tokens can't be issued; None: they can."""
    revoke_problem: str | None = None
    """Why tokens can't be revoked; None: they can."""
    warnings: tuple[str, ...] = ()
    """What an operator should mend although everything works."""


ReadinessCheck = Callable[[], Awaitable[Readiness]]
"""Tries what the gateway depends on. A GatepostError means that nothing works."""

DRAINING = "the gateway is shutting down"


async def readiness(check: ReadinessCheck) -> Readiness:
    """The outcome of the check, also of one that fails or takes too long."""
    try:
        async with asyncio.timeout(TIMEOUT):
            return await check()
    except GatepostError as error:
        return _nothing_works(str(error))
    except TimeoutError:
        return _nothing_works(f"no answer within {TIMEOUT:g} seconds")


def _nothing_works(reason: str) -> Readiness:
    return Readiness(reason, reason, reason)


def readiness_response(state: Readiness, *, strict: bool, draining: bool) -> tuple[int, dict[str, Any]]:
    """Status and JSON body of `/readyz`. `strict`: ready only if tokens can be issued and revoked, too."""
    problems = [DRAINING] if draining else []
    problems += [problem for problem in (state.judge_problem,) if problem is not None]
    further = [problem for problem in (state.issue_problem, state.revoke_problem) if problem is not None]
    reasons = list(dict.fromkeys([*problems, *further]))
    ready = not problems and not (strict and further)
    body: dict[str, Any] = {"status": "ready" if ready else "not ready"}
    if not ready:
        body["reason"] = reasons[0]
    body |= {
        "can_judge": state.judge_problem is None,
        "can_issue": state.issue_problem is None,
        "can_revoke": state.revoke_problem is None,
        "draining": draining,
        "reasons": reasons,
        "warnings": list(state.warnings),
    }
    return 200 if ready else 503, body
