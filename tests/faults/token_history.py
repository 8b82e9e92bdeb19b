"""What was done with tokens, written down as it happened, and judged afterwards: a history without I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

ALLOWED = (200, 401, 503)
LOST = 2.5
"""Seconds around a primary's end within which a token that it issues may not have reached its successor. So
long it may take on a loaded machine until the gateways have left a primary that was replaced.
"""
TICK = 0.05
"""Seconds by which the store's clock and the caller's may disagree about a moment."""


@dataclass
class Use:
    """A request with a token. All times are seconds of the caller's monotonic clock."""

    begun: float
    ended: float
    status: int
    gateway: int = 0


@dataclass
class TokenHistory:
    """One token from its issue on."""

    name: str
    asked: float
    """When it was asked for: it lives at least until `asked + lifetime`."""
    issued: float
    """When it was there: it lives no longer than until `issued + lifetime`."""
    lifetime: float
    client: str = "demo"
    revoking: float | None = None
    """When a revocation was first asked for; from then on it may be dead, whatever the answer was."""
    revoked: float | None = None
    """When a revocation was acknowledged; None: none was."""
    uses: list[Use] = field(default_factory=list)


@dataclass
class Disabling:
    """A client was disabled, which ends its tokens, and was enabled again, which revives none."""

    client: str
    begun: float
    """When it was first asked for."""
    acknowledged: float = float("inf")
    enabling: float = float("inf")
    """When the client was first asked to be enabled again."""


@dataclass(frozen=True)
class Circumstances:
    """What happened to more than one token."""

    disablings: Sequence[Disabling] = ()
    failovers: Sequence[float] = ()
    """When a primary went down. What it had issued in the last moment may be lost with it."""


CALM = Circumstances()


def violations(tokens: list[TokenHistory], bound: float, around: Circumstances = CALM) -> list[str]:
    """What must not have happened.

    `bound`: seconds after its acknowledgement from which on a revocation holds everywhere.
    """
    issued = (line for token in tokens for line in _judge_issue(token, bound, around.disablings))
    used = (
        line
        for token in tokens
        for ended in [_with_disablings(token, around)]
        for use in token.uses
        for line in _judge(ended, use, bound)
    )
    return [*issued, *used]


def _judge_issue(token: TokenHistory, bound: float, disablings: Sequence[Disabling]) -> Iterator[str]:
    for one in disablings:
        disabled = one.acknowledged + bound < token.asked and token.issued < one.enabling
        if disabled and one.client == token.client:
            when = f"{token.client} was disabled at {one.acknowledged:.3f}"
            yield f"{token.name}: issued at {token.issued:.3f}, but {when}"


def _with_disablings(token: TokenHistory, around: Circumstances) -> TokenHistory:
    """The token with the first moments from which it may be dead, and from which it must be."""
    own = [one for one in around.disablings if one.client == token.client]
    may = [one.begun for one in own if token.asked < one.enabling]
    may += [
        lost - LOST for lost in around.failovers if lost - LOST < token.issued and token.asked < lost + LOST
    ]
    # What was asked for before, and came afterwards, may belong to the enabled client.
    must = [one.acknowledged for one in own if token.issued < one.enabling]
    revoking = min((each for each in (token.revoking, *may) if each is not None), default=None)
    revoked = min((each for each in (token.revoked, *must) if each is not None), default=None)
    return replace(token, revoking=revoking, revoked=revoked)


def _judge(token: TokenHistory, use: Use, bound: float) -> Iterator[str]:
    where = f"{token.name} at gateway {use.gateway}, from {use.begun:.3f} to {use.ended:.3f}"
    if use.status not in ALLOWED:
        yield f"{where}: {use.status}"
    if use.status == 200:
        if token.revoked is not None and use.begun > token.revoked + bound:
            yield f"{where}: let in, but revoked at {token.revoked:.3f}"
        if use.begun > token.issued + token.lifetime + TICK:
            yield f"{where}: let in, but over at {token.issued + token.lifetime:.3f}"
    if use.status == 401:
        revocable = token.revoking is not None and use.ended >= token.revoking
        if not revocable and use.ended < token.asked + token.lifetime - TICK:
            yield f"{where}: refused, but alive until {token.asked + token.lifetime:.3f}"
