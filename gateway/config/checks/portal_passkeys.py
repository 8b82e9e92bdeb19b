"""Checks of `portal.passkeys`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.oauth.passkey import relying_party

LIBRARY = "webauthn"


def passkeys_usable(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The extra is installed, and browsers have passkeys for the portal's pages."""
    if not settings.portal.passkeys:
        return
    path = ("portal", "passkeys")
    if not context.installed(LIBRARY):
        text = "needs the extra passkeys, which isn't installed: pip install 'gatepost[passkeys]'"
        yield CheckFinding(path, text)
    if "public_url" not in settings.server.model_fields_set:
        yield CheckFinding(path, "needs server.public_url: passkeys work for its host only, for good")
        return
    try:
        relying_party(settings.server.public_url)
    except ValueError as error:
        yield CheckFinding(path, str(error))
