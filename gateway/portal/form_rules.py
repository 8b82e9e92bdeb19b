"""What may be filled in. Each rule answers with what is wrong, for the person at the form; empty: nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.accounts.applications import KeySettings
from gateway.accounts.common_passwords import is_common
from gateway.oauth.model import Client
from gateway.oauth.scope import is_scope
from gateway.oauth.user import User
from gateway.portal.page_request import Fields
from gateway.portal.services import MANAGE, PortalInfo
from gateway.translation.text import gettext, gettext_noop

LONGEST_NAME = 70
LONGEST_DESCRIPTION = 512
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
MOST_SCOPES = 100
FORMATS = {"": gettext_noop("Default"), "opaque": gettext_noop("Opaque"), "jwt": "JWT"}
WAYS = {
    "": gettext_noop("HTTP Basic or form parameters"),
    "client_secret_basic": gettext_noop("HTTP Basic only"),
    "client_secret_post": gettext_noop("Form parameters only"),
}
JOINERS = "\u200c\u200d"
"""ZERO WIDTH NON-JOINER and JOINER: scripts and emoji need them."""
_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}")
_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)


def user_name_problem(name: str) -> str:
    """Whether somebody can be called so."""
    if _USER_NAME.fullmatch(name):
        return ""
    return gettext("A name has 1 to 64 letters, digits or _ . @ + - and begins with a letter or digit.")


def team_name_problem(name: str) -> str:
    """Whether a team can be called so."""
    return _line_problem(name) if name else gettext("A team needs a name.")


def _is_line(text: str) -> bool:
    """Whether it is one line of text, in any script."""
    return all(one.isprintable() or one in JOINERS for one in text)


def _line_problem(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return gettext(
            "A name has at most %(most)s characters; this one has %(has)s.", most=LONGEST_NAME, has=len(name)
        )
    return "" if _is_line(name) else gettext("A name is one line of text.")


def password_problem(password: str, name: str) -> str:
    """Whether it can be a new password."""
    if len(password) < SHORTEST_PASSWORD:
        return gettext("A password has at least %(least)s characters.", least=SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        return gettext("A password has at most %(most)s characters.", most=LONGEST_PASSWORD)
    if password.lower() == name.lower():
        return gettext("The password must not be the name.")
    if is_common(password):
        return gettext("Too many people use this password.")
    return ""


def offered_tiers(facts: PortalInfo, user: User, current: str = "") -> tuple[str, ...]:
    """The tiers that a user may choose for an application that has `current`; empty text is none.

    One that only an administrator may give, nobody else takes away.
    """
    if user.admin:
        return tuple(dict.fromkeys(("", *facts.tiers, current)))
    if current in facts.tiers and current not in facts.developer_tiers:
        return (current,)
    return tuple(dict.fromkeys(("", *facts.developer_tiers, current)))


def application_problems(name: str, description: str, tier: str, tiers: tuple[str, ...]) -> dict[str, str]:
    """What is wrong with an application's form, by field. `tiers` are those that may be chosen."""
    found = {}
    if problem := _line_problem(name) if name else gettext("An application needs a name."):
        found["name"] = problem
    if len(description) > LONGEST_DESCRIPTION:
        found["description"] = gettext(
            "A description has at most %(most)s characters.", most=LONGEST_DESCRIPTION
        )
    if tier not in tiers:
        found["tier"] = gettext("You may not choose this tier.")
    return found


@dataclass(frozen=True, slots=True)
class KeyForm:
    """A key configuration as it was filled in, to be shown again or turned into settings."""

    grants: tuple[str, ...]
    scopes: tuple[str, ...]
    more_scopes: str = ""
    """What an administrator typed, beside the boxes."""
    audiences: tuple[str, ...] = ()
    lifetime: str = ""
    format: str = ""
    """A key of `FORMATS`."""
    auth: str = ""
    """A key of `WAYS`."""
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> KeySettings:
        """What was chosen, once there are no problems."""
        scopes = tuple(dict.fromkeys((*self.scopes, *self.more_scopes.split())))
        lifetime = int(self.lifetime) if self.lifetime else None
        ways = frozenset({self.auth}) if self.auth else frozenset[str]()
        return KeySettings(
            frozenset(self.grants), scopes, self.audiences, lifetime, self.format or None, ways
        )


def offered_scopes(
    facts: PortalInfo, client: Client | None, subscribed: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """The scopes that have a box: those that may be given, those that come with the application's
    subscriptions, and what the keys have already.
    """
    return tuple(dict.fromkeys((*facts.scopes, MANAGE, *subscribed, *(client.scopes if client else ()))))


def offered_audiences(facts: PortalInfo, client: Client | None) -> tuple[str, ...]:
    """The audiences that have a box."""
    of_apis = (api.audience for api in facts.apis if api.audience is not None)
    return tuple(dict.fromkeys((*of_apis, *(client.audiences if client else ()))))


def key_form_of(client: Client | None, facts: PortalInfo, subscribed: tuple[str, ...] = ()) -> KeyForm:
    """The form as it is first shown: what the keys have, or what new ones best have."""
    if client is None:
        # In whatever order gateway.yaml switches grants on.
        grants = tuple(one for one in facts.grants if one == "client_credentials")
        return KeyForm(grants, tuple(dict.fromkeys((*facts.scopes, *subscribed))))
    lifetime = "" if client.lifetime is None else str(client.lifetime)
    auth = next(iter(client.auth)) if len(client.auth) == 1 else ""
    return KeyForm(
        tuple(sorted(client.grants)),
        client.scopes,
        "",
        client.audiences,
        lifetime,
        client.format or "",
        auth if auth in WAYS else "",
    )


def read_key_form(
    fields: Fields, facts: PortalInfo, user: User, client: Client | None, subscribed: tuple[str, ...] = ()
) -> KeyForm:
    """What was filled in, with what is wrong about it."""
    form = KeyForm(
        fields.ticked("grant"),
        fields.ticked("scope"),
        fields.text("more_scopes") if user.admin else "",
        fields.ticked("audience"),
        fields.text("lifetime"),
        fields.raw("format"),
        fields.raw("auth"),
    )
    return with_problems(form, facts, user, client, subscribed)


def with_problems(
    form: KeyForm, facts: PortalInfo, user: User, client: Client | None, subscribed: tuple[str, ...] = ()
) -> KeyForm:
    """The form with what is wrong about it."""
    may = set(offered_scopes(facts, client, subscribed))
    found = {}
    kept = client.grants if client else frozenset()
    if not set(form.grants) <= {*facts.grants, *kept}:
        found["grant"] = gettext("One of these grants is switched off at this gateway.")
    elif client is None and not form.grants:
        found["grant"] = gettext("Select at least one: keys without a grant get no token.")
    if not set(form.scopes) <= may and not user.admin:
        found["scope"] = gettext("You may not give one of these scopes.")
    elif not all(map(is_scope, (*form.scopes, *form.more_scopes.split()))):
        found["scope"] = gettext('A scope is printable ASCII without spaces, " and \\.')
    elif len(form.scopes) + len(form.more_scopes.split()) > MOST_SCOPES:
        found["scope"] = gettext("There can be %(most)s scopes at the most.", most=MOST_SCOPES)
    if not set(form.audiences) <= set(offered_audiences(facts, client)):
        found["audience"] = gettext("There is no API with one of these audiences.")
    found["lifetime"] = lifetime_problem(form.lifetime, facts.max_lifetime)
    found["format"] = "" if form.format in FORMATS else gettext("There is no such format.")
    found["auth"] = "" if form.auth in WAYS else gettext("There is no such method.")
    return replace(form, problems={name: text for name, text in found.items() if text})


def lifetime_problem(text: str, most: int) -> str:
    """Whether a number of seconds can be a token's lifetime; empty text is the default."""
    if not text or (_WHOLE.fullmatch(text) and 1 <= int(text) <= most):
        return ""
    return gettext("A whole number of seconds from 1 to %(most)s, or nothing.", most=most)
