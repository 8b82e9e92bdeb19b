"""Invitations: links to the portal, each for one account, and links to a team, each for one member."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from typing import Protocol

from gateway.oauth.opaque_tokens import Random
from gateway.oauth.team import TEAM_OWNER

LIFETIME = 7 * 86_400
"""Seconds for which an invitation can be used."""
_CODE = re.compile(r"[A-Za-z0-9_-]{32}")


class InvitationRepository(Protocol):
    """Where open invitations are. Every method raises StoreUnavailable unless the store has answered."""

    async def add(self, code: str, lifetime: int, record: str = "{}") -> None:
        """Keeps an invitation for so many seconds, with a JSON object that says more of it."""

    async def read(self, code: str) -> bytes | None:
        """That object; None: there is no such invitation."""

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
        code = _new_code(self._random)
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


class TeamInvitations:
    """Makes and uses up invitations to teams. Their codes create no accounts, nor the other way round."""

    def __init__(self, store: InvitationRepository, random: Random) -> None:
        self._store = store
        self._random = random

    async def create(self, team_id: str) -> str:
        """The code of a new invitation to a team."""
        code = _new_code(self._random)
        await self._store.add(_to_team(code), LIFETIME, json.dumps({"team": team_id}))
        return code

    async def team_id(self, code: str) -> str | None:
        """The team that an open invitation is to; None: it is not open."""
        record = await self._store.read(_to_team(code)) if _CODE.fullmatch(code) else None
        return None if record is None else str(json.loads(record)["team"])

    async def take(self, code: str) -> int:
        """Uses it up. The seconds that it had left; 0: it is not open, or somebody else used it."""
        return await self._store.take(_to_team(code))

    async def give_back(self, code: str, team_id: str, lifetime: int) -> None:
        """Opens an invitation again whose member could not be added."""
        await self._store.add(_to_team(code), lifetime, json.dumps({"team": team_id}))


def _new_code(random: Random) -> str:
    return urlsafe_b64encode(random(24)).decode()


def _to_team(code: str) -> str:
    return TEAM_OWNER + code


def team_invitation_link(public_url: str, code: str) -> str:
    """Where somebody who has been invited joins a team."""
    return f"{public_url}/portal/teams/join/{code}"


def invitation_link(public_url: str, code: str) -> str:
    """Where somebody who has been invited creates an account."""
    return f"{public_url}/portal/sign-up?invitation={code}"
