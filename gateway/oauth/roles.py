"""The roles of the portal's users: one table of what each may do.

What somebody may do with one application or team is decided by `gateway.accounts.access`.
"""

from __future__ import annotations

from typing import Literal

Role = Literal["viewer", "developer", "publisher", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "developer", "publisher", "admin")
Right = Literal[
    "see",
    "create",
    "decide_subscriptions",
    "see_all_usage",
    "see_all_refusals",
    "manage_all",
    "manage_users",
]
"""`see`: the APIs, one's own account, and what one may see of applications and teams.

`create`: make and change applications, keys, tokens, subscriptions and teams. `manage_all`: everybody's.
"""

RIGHTS: dict[Right, frozenset[Role]] = {
    "see": frozenset({"viewer", "developer", "publisher", "admin"}),
    "create": frozenset({"developer", "publisher", "admin"}),
    "decide_subscriptions": frozenset({"publisher", "admin"}),
    "see_all_usage": frozenset({"publisher", "admin"}),
    "see_all_refusals": frozenset({"publisher", "admin"}),
    "manage_all": frozenset({"admin"}),
    "manage_users": frozenset({"admin"}),
}
"""Who has each right."""


def allows(role: Role, right: Right) -> bool:
    """Whether a role has a right."""
    return role in RIGHTS[right]


def role_named(text: str) -> Role | None:
    """The role of that name; None: there is none."""
    return next((one for one in ROLES if one == text), None)
