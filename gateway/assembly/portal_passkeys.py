"""The passkeys of `portal.passkeys`."""

from __future__ import annotations

import secrets

from gateway.accounts.users import Users
from gateway.assembly.brute_force import attempt_limiter
from gateway.clock import Clock
from gateway.config.model import Settings
from gateway.oauth.passkey import relying_party
from gateway.portal.services import PasskeyServices, PortalInfo
from gateway.store import Store


def passkey_services(
    settings: Settings, info: PortalInfo, users: Users, store: Store, clock: Clock
) -> PasskeyServices:
    """What the portal's pages need for passkeys."""
    # It needs an extra, and takes long to import.
    from gateway.accounts.passkeys import Challenges, Passkeys, PasskeySignIn  # noqa: PLC0415

    party = relying_party(info.public_url)
    challenges = Challenges(store.once, secrets.token_bytes, clock)
    limiter = attempt_limiter("portal", settings, store)
    return PasskeyServices(
        Passkeys(store.passkeys, challenges, party, info.brand.title, clock),
        PasskeySignIn(store.passkeys, challenges, party, users, limiter, store.changes, clock),
    )
