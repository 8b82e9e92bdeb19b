"""To whom somebody gives an application."""

from __future__ import annotations

from gateway.accounts.access import may_receive
from gateway.oauth.team import Team
from gateway.oauth.user import User
from gateway.portal.services import PortalServices


async def new_owner(services: PortalServices, user: User, wanted: str) -> User | Team | None:
    """The team of that id, or the user of that name or id, if the user may give them applications."""
    owner: User | Team | None = await services.teams.get(wanted)
    if owner is None:
        owner = await services.users.find_by_name_or_id(wanted)
    if owner is None:
        return None
    teams = {owner.id: owner} if isinstance(owner, Team) else {}
    return owner if may_receive(user, owner.id, teams) else None
