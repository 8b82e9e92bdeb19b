"""Secrets that are known, weak, or cumbersome."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from gateway.config.addresses import is_loopback_host
from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.secrets import named
from gateway.runtime.give_way import giving_way

SHIPPED = {"demo-secret": "DEMO_SECRET", "demo-password": "PORTAL_PASSWORD"}
"""Secrets of the gateway.yaml that comes with the program, and what replaces them in the environment."""
SHORTEST_SECRET = 16
"""Characters. With fewer a secret is hardly random."""
SHORTEST_PASSWORD = 8
_DIGESTS = {hashlib.sha256(text.encode()).digest(): variable for text, variable in SHIPPED.items()}
_ENCODED = "+%"


def none_shipped(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """A gateway that others can reach is open to everybody who knows the shipped gateway.yaml."""
    hosts = (one.host for one in settings.server.listen if one.unix is None)
    public = next((host for host in hosts if not is_loopback_host(host)), None)
    if public is None:
        return
    for path, variable in _shipped(settings):
        text = (
            f"is a secret that comes with Gatepost, so everybody knows it: set your own before listening at "
            f"{public} (in the shipped gateway.yaml by the environment variable {variable}), or listen at "
            "127.0.0.1"
        )
        yield CheckFinding(path, text)


def _shipped(settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    for index, client in enumerate(giving_way(settings.clients)):
        for place, item in enumerate(client.secrets):
            variable = _DIGESTS.get(named(item).secret.digest)
            if variable is not None:
                yield ("clients", index, "secrets", place), variable
    for index, user in enumerate(settings.portal.users if settings.portal.enabled else ()):
        variable = SHIPPED.get(user.password.get_secret_value())
        if variable is not None:
            yield ("portal", "users", index, "password"), variable


def secrets_long(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """A secret is never typed: it can be long, and so should be."""
    for path, text in _plain_secrets(settings):
        if len(text) < SHORTEST_SECRET:
            yield CheckFinding(
                path, f"has fewer than {SHORTEST_SECRET} characters: use 32 random ones or more"
            )
    for index, user in enumerate(settings.portal.users):
        if len(user.password.get_secret_value()) < SHORTEST_PASSWORD:
            path = ("portal", "users", index, "password")
            yield CheckFinding(path, f"has fewer than {SHORTEST_PASSWORD} characters")


def secrets_plain_in_basic(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """RFC 6749 section 2.3.1: in HTTP Basic a secret is form-encoded first, which many clients leave out."""
    for path, text in _plain_secrets(settings):
        if any(char in text for char in _ENCODED):
            yield CheckFinding(
                path,
                "has + or %: clients must percent-encode it in HTTP Basic (RFC 6749 section 2.3.1), and many "
                "do not. Use letters, digits, - and _",
            )


def _plain_secrets(settings: Settings) -> Iterator[tuple[KeyPath, str]]:
    for index, client in enumerate(giving_way(settings.clients)):
        for place, item in enumerate(client.secrets):
            text = named(item).secret.plain
            if text is not None:
                yield ("clients", index, "secrets", place), text


def strangers_scopes_limited(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Whoever signs up may give himself what `portal.scopes` allows: null is everything."""
    portal = settings.portal
    if portal.enabled and portal.sign_up is True and portal.scopes is None:
        text = "lets strangers grant themselves every scope that a route requires: list portal.scopes"
        yield CheckFinding(("portal", "sign_up"), text)
