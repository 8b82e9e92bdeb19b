"""What the store holds for good, looked at again and again, so that a loss is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.store.key_names import KeyNames
from gateway.store.link import StoreLink


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is there at one moment."""

    clients: int = 0
    applications: int = 0
    users: int = 0
    loads: bool = False
    """Whether the store knows of any load of gateway.yaml. The gateway writes that, and never removes it."""

    def lost_since(self, before: Holdings, *, evicts: bool) -> list[str]:
        """What is gone that nobody has removed, in words.

        Whoever removes clients does so one by one. So all of several at once are lost; and the last one is,
        where everything else is gone too, or where the server deletes what it has no room for.
        """
        everything = before.loads and not self.loads
        kinds = (
            ("clients", before.clients, self.clients),
            ("applications", before.applications, self.applications),
            ("users", before.users, self.users),
        )
        return [
            f"all {count} {name}" if count > 1 else f"the only one of its {name}"
            for name, count, now in kinds
            if count and not now and (count > 1 or everything or evicts)
        ]


async def read_holdings(link: StoreLink, names: KeyNames) -> Holdings:
    """What is there now. Raises StoreUnavailable."""
    clients = await _total(link, [names.clients(group) for group in names.groups])
    applications = await _total(link, [names.applications(group) for group in names.groups])
    users = await link.execute("HLEN", names.accounts)
    return Holdings(clients, applications, users, bool(await link.execute("EXISTS", names.file_version)))


async def _total(link: StoreLink, hashes: Sequence[str]) -> int:
    """How many entries the hashes have together."""
    return sum(await asyncio.gather(*(link.execute("HLEN", key) for key in hashes)))
