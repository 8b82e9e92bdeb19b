"""The portal's applications and their keys: access to them, and changes of both.

An application belongs to a user id, not to a name: a new user with the name of a former owner does not
get it. So does one of a team, and then its members manage it (`gateway.accounts.access`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.accounts.access import ApplicationRight, may
from gateway.accounts.registry import ClientRegistry, new_client_id, once_written
from gateway.clock import Clock
from gateway.errors import GatepostError
from gateway.oauth.application import Application, Environment
from gateway.oauth.model import Client
from gateway.oauth.team import TEAM_OWNER, Team
from gateway.oauth.user import User
from gateway.store import ApplicationStore, ClientStore
from gateway.translation.text import gettext

MAX_PER_USER = 200
"""Applications of one owner, so that no user fills the store."""
MANAGE_SCOPE = "portal:manage"
"""With this scope, keys act for their owner in the portal's REST API."""
CLIENT_OWNER = "client:"
"""Prefix of the id of an owner that is a client of gateway.yaml."""


def _anything(_: object) -> None:
    """Whatever it is, it may be changed."""


class ApplicationRefused(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """An application can't be created or changed; the text, for the user, says why."""


class KeysExist(ApplicationRefused):
    """The application has keys for this environment already."""


@dataclass(frozen=True, slots=True)
class KeySettings:
    """The settings of a pair of keys that a developer chooses."""

    grants: frozenset[str]
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    lifetime: int | None
    """Lifetime of tokens in seconds; None: `tokens.lifetime`."""
    format: str | None = None
    """`opaque` or `jwt`; None: `tokens.format`."""
    auth: frozenset[str] = frozenset()
    """The allowed authentication methods; empty: any."""

    def onto(self, client: Client) -> Client:
        """The client with these settings."""
        return replace(
            client,
            grants=self.grants,
            scopes=self.scopes,
            audiences=self.audiences,
            lifetime=self.lifetime,
            format=self.format,
            auth=self.auth,
        )


class OwnerNames(Protocol):
    """Looks up user names."""

    async def names(self, ids: Iterable[str]) -> dict[str, str]:
        """The names of the users with these ids, as far as they exist."""


class OwningTeams(Protocol):
    """Looks up teams (`gateway.store.teams`)."""

    async def get_many(self, ids: Iterable[str]) -> dict[str, Team]:
        """The teams of these ids, as far as they exist, by id."""


class Applications:
    """All applications. Every method takes the user who asks, and treats applications of others as missing.

    Every method raises StoreUnavailable unless the store has answered, and then nothing has changed.
    """

    def __init__(
        self,
        store: ApplicationStore,
        clients: ClientStore,
        registry: ClientRegistry,
        users: OwnerNames,
        teams: OwningTeams,
        clock: Clock,
    ) -> None:
        self._store = store
        self._users = users
        self._teams = teams
        self._clients = clients
        self._registry = registry
        self._clock = clock

    async def search(
        self, user: User, text: str = "", right: ApplicationRight = "manage"
    ) -> list[Application]:
        """The applications with `text` that the user has a right to: for an administrator, of all."""
        wanted = text.strip().lower()
        listed = await self._store.list()
        teams = await self._owning(listed)
        seen = [one for one in listed if may(user, right, one, teams)]
        names = await self._names(seen, teams)
        return [one for one in (_with_owner(each, names) for each in seen) if _found(wanted, one)]

    async def find(
        self, user: User, application_id: str, right: ApplicationRight = "manage"
    ) -> Application | None:
        """The application; None where it does not exist or the user has no such right to it."""
        found = await self._store.get(application_id)
        if found is None:
            return None
        teams = await self._owning([found])
        if not may(user, right, found, teams):
            return None
        return _with_owner(found, await self._names([found], teams))

    async def create(
        self, user: User, name: str, description: str, tier: str = "", team: Team | None = None
    ) -> Application:
        """A new application without keys, of the user or of a team. Raises ApplicationRefused."""
        owner = user if team is None else team
        made = Application(
            new_client_id(),
            name,
            owner.id,
            description,
            tier,
            created=int(self._clock()),
            owner_name=owner.name,
        )
        _refuse_surplus(made, await self._owned(owner.id))
        await self._store.create(made)
        if not await self._stays(made.owner):
            await self._store.delete(made.id)
            raise ApplicationRefused(gettext("The team is being deleted."))
        return made

    async def change_owner(self, application: Application, owner: User | Team) -> Application:
        """Gives the application to another user, or to a team.

        The former owner may still know its secrets: so its keys lose access to the portal's REST API until
        the new owner allows it. Raises ApplicationRefused.
        """
        changed = replace(application, owner=owner.id, owner_name=owner.name, has_owner=True, webhook=None)
        _refuse_surplus(changed, await self._owned(owner.id))
        await self._hand_over(application, changed)
        if not await self._stays(changed.owner):
            await self._hand_over(changed, application)
            raise ApplicationRefused(gettext("The team is being deleted."))
        return changed

    async def _hand_over(self, before: Application, after: Application) -> None:
        def handed(one: Application) -> Application:
            _refuse_other_owner(one.owner, before.owner)
            # Its receiver is the former owner's.
            return replace(one, owner=after.owner, owner_name=after.owner_name, webhook=None)

        await self._store.update(
            before.id,
            handed,
            change_client=lambda client: replace(
                client, owner=after.owner, scopes=tuple(one for one in client.scopes if one != MANAGE_SCOPE)
            ),
        )

    async def _stays(self, owner: str) -> bool:
        """Whether an owner can have applications: asked after it was given one (`Teams.delete`)."""
        if not _is_team(owner):
            return True
        team = (await self._teams.get_many({owner})).get(owner)
        return team is not None and not team.closing

    async def edit(
        self,
        application: Application,
        name: str,
        description: str,
        tier: str = "",
        check: Callable[[Application], None] = _anything,
    ) -> Application:
        """Changes name, description and tier.

        Live tokens keep the tier that they have. `check` sees what is changed, in the same step, and may
        raise. Raises ApplicationRefused.
        """

        def edited(one: Application) -> Application:
            check(one)
            return replace(one, name=name, description=description, tier=tier)

        changed = replace(application, name=name, description=description, tier=tier)
        _refuse_twice(changed, await self._owned(application.owner))
        return await self._store.update(
            application.id,
            edited,
            change_client=lambda client: replace(client, tier=tier or None),
        )

    async def delete(
        self, application: Application, check: Callable[[Application], None] = _anything
    ) -> None:
        """Removes the application, its keys and all their tokens, in one step. `check` is as for `edit`."""
        await self._store.delete(application.id, check)

    async def client(self, application: Application, environment: Environment) -> Client | None:
        """The keys of an environment; None before they are generated."""
        client_id = application.client_id(environment)
        return None if client_id is None else await self._clients.get(client_id)

    async def generate_keys(
        self, application: Application, environment: Environment, settings: KeySettings
    ) -> tuple[Client, str]:
        """Creates a pair of keys: the client and its secret, which is not stored.

        Raises:
            KeysExist: the application has keys for this environment.
            SecretUncertain: the store has not answered.
        """
        if await self.client(application, environment) is not None:
            raise KeysExist("This application has such keys already.")
        bare = Client(
            new_client_id(beside=application.id),
            name=f"{application.name} ({environment})",
            owner=application.owner,
            application=application.id,
            tier=application.tier or None,
            subscriptions=application.client_subscriptions,
        )
        made, secret = self._registry.made(settings.onto(bare))
        # The reference is stale: its client was removed by other means.
        gone = application.client_id(environment)
        with_keys = _with_keys(environment, gone, made.id)

        def generated(one: Application) -> Application:
            _refuse_other_owner(one.owner, application.owner)
            return with_keys(one)

        writing = self._store.update(application.id, generated, made)
        return made, await once_written(secret, made.id, writing)

    async def configure(
        self, client: Client, settings: KeySettings, check: Callable[[Client], None] = _anything
    ) -> Client:
        """The keys with other settings. Live tokens keep what they have. `check` is as for `edit`."""

        def configured(one: Client) -> Client:
            check(one)
            _refuse_other_owner(one.owner, client.owner)
            return settings.onto(one)

        return await self._clients.update(client.id, configured)

    async def clean_up(self, application: Application, environment: Environment) -> None:
        """Removes the keys of an environment and ends their tokens."""
        client_id = application.client_id(environment)
        if client_id is not None:
            await self._registry.delete(client_id)
            await self._store.update(application.id, _with_keys(environment, client_id, None))

    async def _owning(self, applications: Iterable[Application]) -> dict[str, Team]:
        """The teams that have some of these applications, by id."""
        return await self._teams.get_many({one.owner for one in applications if _is_team(one.owner)})

    async def _names(self, applications: Iterable[Application], teams: Mapping[str, Team]) -> dict[str, str]:
        """The names of the owners of these applications, by id, as far as they exist."""
        people = await self._users.names({one.owner for one in applications if not _is_team(one.owner)})
        return people | {one.id: one.name for one in teams.values()}

    async def _owned(self, owner: str) -> list[Application]:
        return [one for one in await self._store.list() if one.owner == owner]


def _is_team(owner: str) -> bool:
    return owner.startswith(TEAM_OWNER)


def _with_owner(application: Application, names: Mapping[str, str]) -> Application:
    """The application with its owner's current name. A client of gateway.yaml always has one."""
    there = application.owner in names or application.owner.startswith(CLIENT_OWNER)
    name = names.get(application.owner, application.owner_name)
    return replace(application, owner_name=name, has_owner=there)


def _found(wanted: str, application: Application) -> bool:
    texts = (application.name, application.description, application.owner_name, *application.client_ids)
    return any(wanted in text.lower() for text in texts)


def _refuse_surplus(application: Application, owned: list[Application]) -> None:
    if len(owned) >= MAX_PER_USER:
        raise ApplicationRefused(
            gettext("There can be %(most)s applications of one owner at the most.", most=MAX_PER_USER)
        )
    _refuse_twice(application, owned)


def _refuse_twice(application: Application, owned: list[Application]) -> None:
    same = (one for one in owned if one.id != application.id)
    if any(one.name.lower() == application.name.lower() for one in same):
        raise ApplicationRefused(gettext("The owner has an application of this name already."))


def _refuse_other_owner(now: str, before: str) -> None:
    """What the former owner may still have been allowed ends with the change of the owner."""
    if now != before:
        raise ApplicationRefused(gettext("The application has another owner meanwhile."))


def _with_keys(
    environment: Environment, before: str | None, after: str | None
) -> Callable[[Application], Application]:
    def change(application: Application) -> Application:
        if application.client_id(environment) != before:
            raise KeysExist("This application has such keys already.")
        if environment == "production":
            return replace(application, production=after)
        return replace(application, sandbox=after)

    return change
