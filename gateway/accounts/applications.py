"""The portal's applications and their keys: who may see them, and how they change together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.accounts.registry import ClientRegistry, new_client_id
from gateway.clock import Clock
from gateway.errors import GatepostError
from gateway.oauth.application import Application, Environment
from gateway.oauth.people import User
from gateway.oauth.values import Client
from gateway.store import ApplicationStore, ClientStore

MOST_PER_USER = 200
"""Applications; who signs up must not fill the store."""


class ApplicationRefused(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """An application can't be made or changed so; the text says why, for the one who asked."""


class KeysExist(ApplicationRefused):
    """The application has keys for this environment already."""


@dataclass(frozen=True, slots=True)
class KeySettings:
    """What a developer chooses for a pair of keys."""

    grants: frozenset[str]
    scopes: tuple[str, ...]
    audiences: tuple[str, ...]
    lifetime: int | None
    """Seconds; None: the instance's."""
    format: str | None = None
    """`opaque` or `jwt`; None: the instance's."""
    auth: frozenset[str] = frozenset()
    """The ways in which the keys may be shown; empty: any."""

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


class Applications:
    """All applications. Every method takes the user who asks; what is not his is not there for him.

    Every method raises StoreUnavailable unless the store has answered, and then nothing has changed.
    """

    def __init__(
        self, store: ApplicationStore, clients: ClientStore, registry: ClientRegistry, clock: Clock
    ) -> None:
        self._store = store
        self._clients = clients
        self._registry = registry
        self._clock = clock

    async def search(self, user: User, text: str = "") -> list[Application]:
        """The user's applications, an administrator's being all; only those in which `text` is found."""
        wanted = text.strip().lower()
        return [one for one in await self._store.list() if _sees(user, one) and _found(wanted, one)]

    async def find(self, user: User, application_id: str) -> Application | None:
        """The application; None where it is not there, or somebody else's."""
        found = await self._store.get(application_id)
        return found if found is not None and _sees(user, found) else None

    async def create(self, user: User, name: str, description: str, tier: str = "") -> Application:
        """A new application without keys. Raises ApplicationRefused."""
        made = Application(new_client_id(), name, user.name, description, tier, created=int(self._clock()))
        owned = await self._owned(user.name)
        if len(owned) >= MOST_PER_USER:
            raise ApplicationRefused(f"You have {MOST_PER_USER} applications, the most there can be.")
        _refuse_twice(made, owned)
        await self._store.create(made)
        return made

    async def edit(
        self, application: Application, name: str, description: str, tier: str = ""
    ) -> Application:
        """The application with another name and description, and its keys with its tier.

        Live tokens keep the tier that they have. Raises ApplicationRefused.
        """
        changed = replace(application, name=name, description=description, tier=tier)
        _refuse_twice(changed, await self._owned(application.owner))
        return await self._store.update(
            application.id,
            lambda one: replace(one, name=name, description=description, tier=tier),
            change_client=lambda client: replace(client, tier=tier or None),
        )

    async def delete(self, application: Application) -> None:
        """Removes the application, its keys and all their tokens, in one step."""
        await self._store.delete(application.id)

    async def client(self, application: Application, environment: Environment) -> Client | None:
        """The keys of an environment; None before they are generated."""
        client_id = application.client_id(environment)
        return None if client_id is None else await self._clients.get(client_id)

    async def generate_keys(
        self, application: Application, environment: Environment, settings: KeySettings
    ) -> tuple[Client, str]:
        """A new pair of keys: the client and its secret, which can't be had again. Raises KeysExist."""
        if await self.client(application, environment) is not None:
            raise KeysExist("This application has such keys already.")
        bare = Client(
            new_client_id(),
            name=f"{application.name} ({environment})",
            owner=application.owner,
            application=application.id,
            tier=application.tier or None,
        )
        made, secret = self._registry.made(settings.onto(bare))
        # What stood there is gone: its client was removed by other means.
        gone = application.client_id(environment)
        await self._store.update(application.id, _with_keys(environment, gone, made.id), made)
        return made, secret

    async def configure(self, client: Client, settings: KeySettings) -> Client:
        """The keys with other settings. Live tokens keep what they have."""
        return await self._clients.update(client.id, settings.onto)

    async def clean_up(self, application: Application, environment: Environment) -> None:
        """Removes the keys of an environment and ends their tokens."""
        client_id = application.client_id(environment)
        if client_id is not None:
            await self._registry.delete(client_id)
            await self._store.update(application.id, _with_keys(environment, client_id, None))

    async def _owned(self, owner: str) -> list[Application]:
        return [one for one in await self._store.list() if one.owner.lower() == owner.lower()]


def _sees(user: User, application: Application) -> bool:
    return user.admin or application.owner.lower() == user.key


def _found(wanted: str, application: Application) -> bool:
    texts = (application.name, application.description, application.owner, *application.client_ids)
    return any(wanted in text.lower() for text in texts)


def _refuse_twice(application: Application, owned: list[Application]) -> None:
    same = (one for one in owned if one.id != application.id)
    if any(one.name.lower() == application.name.lower() for one in same):
        raise ApplicationRefused("You have an application of this name already.")


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
