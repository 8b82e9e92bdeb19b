"""An application of the portal: what a developer makes, and whose keys are clients of the token server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Environment = Literal["production", "sandbox"]
ENVIRONMENTS: tuple[Environment, ...] = ("production", "sandbox")


@dataclass(slots=True, frozen=True)
class Application:
    """A developer's application, with up to one pair of keys for each environment."""

    id: str
    name: str
    owner: str
    """The id of whoever it belongs to: of a user (`gateway.oauth.user.UserIdentity`), or `client:` and the id
    of a client of whoever runs the gateway."""
    description: str = ""
    tier: str = ""
    """Its throttling tier; empty: none."""
    created: int = 0
    """Seconds since the epoch."""
    production: str | None = None
    """The client id of its production keys; None before they are generated."""
    sandbox: str | None = None
    owner_name: str = ""
    """The owner's name, only for people to read; the last one that is known where the owner is gone."""
    has_owner: bool = True
    """Whether the owner is there still. Not kept: it is found out when the application is looked up."""

    def client_id(self, environment: Environment) -> str | None:
        """The client id of the keys of an environment; None before they are generated."""
        return self.production if environment == "production" else self.sandbox

    @property
    def client_ids(self) -> tuple[str, ...]:
        """The client ids of all its keys."""
        return tuple(one for one in (self.production, self.sandbox) if one is not None)
