"""Invitations to the portal: links that administrators hand out, each for one account."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from typing import Protocol

from gateway.oauth.opaque_tokens import Random

LIFETIME = 7 * 86_400
"""Seconds for which an invitation can be used."""
_CODE = re.compile(r"[A-Za-z0-9_-]{32}")


class InvitationRepository(Protocol):
    """Where open invitations are. Every method raises StoreUnavailable unless the store has answered."""

    async def add(self, code: str, lifetime: int) -> None:
        """Keeps an invitation for so many seconds."""

    async def is_open(self, code: str) -> bool:
        """Whether there is such an invitation."""

    async def take(self, code: str) -> int:
        """Uses an invitation up. The seconds that it had left; 0: there is none, or somebody else used it."""


class Invitations:
    """Makes and uses up invitations."""

    def __init__(self, store: InvitationRepository, random: Random) -> None:
        self._store = store
        self._random = random

    async def create(self) -> str:
        """The code of a new invitation."""
        code = urlsafe_b64encode(self._random(24)).decode()
        await self._store.add(code, LIFETIME)
        return code

    async def is_open(self, code: str) -> bool:
        """Whether an account can be made with it. The store is asked only about what can be ours."""
        return _CODE.fullmatch(code) is not None and await self._store.is_open(code)

    async def take(self, code: str) -> int:
        """Uses it up, for an account. The seconds that it had left; 0: it is not open."""
        return await self._store.take(code) if _CODE.fullmatch(code) else 0

    async def give_back(self, code: str, lifetime: int) -> None:
        """Opens an invitation again whose account could not be made."""
        await self._store.add(code, lifetime)


def invitation_link(public_url: str, code: str) -> str:
    """Where somebody who has been invited creates an account."""
    return f"{public_url}/portal/sign-up?invitation={code}"
