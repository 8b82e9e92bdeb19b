"""The users of gateway.yaml, and the ids by which the store knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.errors import StoreUnavailable
from gateway.oauth.user import User
from gateway.store.file_records import Identified


class FileUsers:
    """Read-only. Their ids are known once the store has been reached.

    `find` and `get` raise StoreUnavailable before that: a name does not identify a user.
    """

    def __init__(self, users: Iterable[User] = ()) -> None:
        self._declared = {user.key: user for user in users}
        self._by_name: dict[str, User] | None = None
        self._by_id: dict[str, User] = {}

    @property
    def declared(self) -> Mapping[str, User]:
        """The users as declared, by name in lower case."""
        return self._declared

    def identify(self, known: Mapping[str, Identified]) -> None:
        """Sets the ids and generations from the store, by name in lower case."""
        self._by_name = {
            name: replace(user, id=known[name].id, generation=known[name].generation)
            for name, user in self._declared.items()
            if name in known
        }
        self._by_id = {user.id: user for user in self._by_name.values()}

    def find(self, name: str) -> User | None:
        """The user of that name, whatever its case; None where there is none."""
        return self._identified.get(name.lower())

    def get(self, user_id: str) -> User | None:
        """The user of that id; None where there is none."""
        _ = self._identified
        return self._by_id.get(user_id)

    @property
    def _identified(self) -> Mapping[str, User]:
        if self._by_name is None:
            raise StoreUnavailable("the store has not been reached since the configuration was loaded")
        return self._by_name
