"""Which right of `gateway.oauth.roles` each page and each operation of the REST interface needs.

Whatever is not named here needs `see` to be read and `create` to change something: so it is closed to those
who may only look.
"""

from __future__ import annotations

from gateway.oauth.roles import Right

SIGNED_OUT = ("/sign-in", "/sign-out", "/sign-up", "/language", "/confirm-email")
"""What these paths begin with is for people who have not signed in, too."""
_OWN = ("/account", "/teams/join/")
"""What everybody does for themselves."""
_NEEDED: dict[str, Right] = {
    "/activity": "manage_all",
    "/applications/new": "create",
    "/applications/{id}/edit": "create",
    "/applications/{id}/delete": "create",
    "/applications/{id}/owner": "create",
    "/subscriptions/new": "create",
    "/teams/{team}/leave": "see",
}
_DECIDE = ("/approve", "/refuse", "/end")


def page_right(method: str, path: str) -> Right | None:
    """What a page needs, by its path in the table of pages; None: nobody need be signed in."""
    if path == "/" or path.startswith(SIGNED_OUT):
        return None
    if path.startswith("/users"):
        return "manage_users"
    if path.startswith(_OWN):
        return "see"
    if "/subscriptions/" in path and path.endswith(_DECIDE):
        return "decide_subscriptions"
    if "{environment:" in path:
        # Keys are for those who work with them.
        return "create"
    return _NEEDED.get(path, "see" if method == "GET" else "create")


def operation_right(method: str, path: str) -> Right:
    """What an operation of the REST interface needs, by its path.

    Who decides on a subscription is asked once it is found: those of others do not exist.
    """
    if path == "/activity":
        return "manage_all"
    if path.startswith("/me"):
        # Everybody does for themselves.
        return "see"
    if path == "/invitations" or path.startswith("/users"):
        return "manage_users"
    if "/oauth-keys" in path:
        return "create"
    if path == "/teams/{teamId}/members/{memberId}" and method == "DELETE":
        # Everybody may leave a team.
        return "see"
    return "see" if method == "GET" else "create"
