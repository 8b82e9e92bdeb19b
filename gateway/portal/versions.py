"""Versions of what programs change, so that two of them never overwrite each other unseen.

RFC 9110 sections 8.8.3, 13.1.1 and 13.1.2: ETag, If-Match and If-None-Match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from aiohttp import web

from gateway.errors import GatepostError
from gateway.oauth.api_subscription import ApiSubscription
from gateway.oauth.application import Application
from gateway.oauth.application_webhook import ApplicationWebhook
from gateway.oauth.model import Client
from gateway.oauth.team import Team
from gateway.oauth.user import User
from gateway.oauth.user_mail import UserMail

# RFC 9110 section 8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


class VersionDiffers(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """It is not, or no longer, what the caller has seen."""


def application_version(application: Application) -> str:
    """The entity tag of an application."""
    facts = (application.id, application.name, application.owner, application.description, application.tier)
    return _tag([*facts, application.production, application.sandbox])


def details_version(application: Application) -> str:
    """The tag of what people change of an application in one form."""
    return _tag([application.name, application.description, application.tier])


def details_check(seen: str) -> Callable[[Application], None]:
    """Raises VersionDiffers where these details are not what the form has shown. Empty: it did not say."""
    return lambda application: only_if(seen or None, details_version(application))


def owner_version(application: Application) -> str:
    """The tag of whose an application is."""
    return _tag([application.id, application.owner])


def team_version(team: Team) -> str:
    """The entity tag of a team."""
    return _tag([team.id, team.name, *((one.id, one.role) for one in team.members)])


def team_name_version(team: Team) -> str:
    """The tag of what people change of a team in one form: members come and go beside it."""
    return _tag([team.id, team.name])


def user_version(user: User) -> str:
    """The entity tag of a user."""
    return _tag([user.id, user.name, user.role, user.pending, user.blocked])


def keys_version(client: Client) -> str:
    """The entity tag of a pair of keys. Secrets and API keys are no part of it."""
    facts: list[Any] = [client.id, client.enabled, client.lifetime, client.format]
    return _tag([*facts, *map(sorted, (client.grants, client.scopes, client.audiences, client.auth))])


def subscription_version(application: Application, one: ApiSubscription) -> str:
    """The entity tag of a subscription."""
    facts: list[Any] = [application.id, one.api, one.state, one.tier, one.note, sorted(one.scopes)]
    return _tag([*facts, one.asked, one.asked_by, one.decided, one.decided_by, one.answer])


def webhook_version(webhook: ApplicationWebhook | None) -> str:
    """The entity tag of an application's webhook. That it fails is no part of it."""
    facts = None if webhook is None else [webhook.url, webhook.secret_created, webhook.sealed, webhook.off]
    return _tag([facts])


def mail_version(mail: UserMail) -> str:
    """The entity tag of a person's e-mail address."""
    return _tag([mail.email, mail.pending_email, *mail.kinds])


def choice_version(mail: UserMail) -> str:
    """The tag of what people choose to be told: addresses are confirmed beside it."""
    return _tag([*mail.kinds])


def choice_check(seen: str) -> Callable[[UserMail], None]:
    """Raises VersionDiffers where that is not what the form has shown. Empty: it did not say."""
    return lambda mail: only_if(seen or None, choice_version(mail))


def mail_check(if_match: str | None) -> Callable[[UserMail], None]:
    """Raises VersionDiffers for an address that is not what the caller has seen."""
    return lambda mail: only_if(if_match, mail_version(mail))


def of_representation(response: web.Response, if_none_match: str | None) -> web.Response:
    """The answer with the entity tag of its body; 304 in its place where the caller has just that.

    The version stands first in the tag: names of users, which are shown, change without it.
    """
    version = response.headers.get("ETag", "").strip('"')
    digest = sha256(response.body if isinstance(response.body, bytes) else b"").hexdigest()[:20]
    tag = f'"{version}.{digest}"'
    response.headers["ETag"] = tag
    # RFC 9110 section 13.1.2: compared weakly.
    known = if_none_match is not None and (
        if_none_match.strip() == "*" or tag.strip('"') in [one for _, one in _TAG.findall(if_none_match)]
    )
    if not known:
        return response
    kept = {name: response.headers[name] for name in ("ETag", "Cache-Control")}
    return web.Response(status=304, headers=kept)


def _tag(facts: list[Any]) -> str:
    return f'"{sha256(json.dumps(facts).encode()).hexdigest()[:20]}"'


def only_if(if_match: str | None, version: str) -> None:
    """Raises VersionDiffers unless a request with this If-Match may change what has this version.

    RFC 9110 section 13.1.1: without the header it may; tags are compared strongly, so a weak one never fits.
    """
    if if_match is None or if_match.strip() == "*":
        return
    # What `of_representation` adds says nothing of what can be changed.
    seen = [tag.partition(".")[0] for weak, tag in _TAG.findall(if_match) if not weak]
    if version.strip('"') not in seen:
        raise VersionDiffers("it was changed meanwhile")


def application_check(if_match: str | None) -> Callable[[Application], None]:
    """Raises VersionDiffers for an application that is not what the caller has seen."""
    return lambda application: only_if(if_match, application_version(application))


def webhook_check(if_match: str | None) -> Callable[[Application], None]:
    """The same for an application's webhook."""
    return lambda application: only_if(if_match, webhook_version(application.webhook))


def team_check(if_match: str | None) -> Callable[[Team], None]:
    """The same for a team."""
    return lambda team: only_if(if_match, team_version(team))


def subscription_check(if_match: str | None, application: Application) -> Callable[[ApiSubscription], None]:
    """The same for a subscription."""
    return lambda one: only_if(if_match, subscription_version(application, one))


def keys_check(if_match: str | None) -> Callable[[Client], None]:
    """The same for keys."""
    return lambda client: only_if(if_match, keys_version(client))
