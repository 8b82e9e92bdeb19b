"""Checks of `registration`: not open to everybody, and nothing that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings


def registration_guarded(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """Registration needs a token or a statement, and names issuers that sign statements themselves."""
    registration = settings.registration
    if registration.enabled and not (registration.initial_access_tokens or registration.issuers):
        text = "is open to everybody: add initial_access_tokens or issuers"
        yield CheckFinding(("registration", "enabled"), text, depends=(("registration",),))
    for place, name in enumerate(registration.issuers):
        path = ("registration", "issuers", place)
        issuer = settings.issuers.get(name)
        if name not in context.issuers:
            yield CheckFinding(
                path,
                "there is no issuer of this name",
                depends=(("issuers",),) if not context.issuers else (),
                invalid=name,
                valid=tuple(sorted(context.issuers)),
            )
        elif issuer is not None and issuer.introspection is not None:
            yield CheckFinding(
                path, "is an issuer that is asked about its tokens: a statement needs its keys"
            )


def registration_grants_known(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The grants of registered clients are listed under `grants`."""
    for place, grant in enumerate(settings.registration.grants):
        if grant not in context.grants:
            yield CheckFinding(
                ("registration", "grants", place),
                "this grant is not listed under grants",
                depends=(("grants",),) if not context.grants else (),
                invalid=grant,
                valid=tuple(context.grants),
            )
