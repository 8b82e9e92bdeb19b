"""Versions of what programs change, so that two of them never overwrite each other unseen.

RFC 9110 sections 8.8.3 and 13.1.1: ETag and If-Match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from gateway.errors import GatepostError
from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.oauth.team import Team

# RFC 9110 section 8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


class VersionDiffers(GatepostError):  # noqa: N818 (the name says what is the matter, as callers read it)
    """It is not, or no longer, what the caller has seen."""


def application_version(application: Application) -> str:
    """The entity tag of an application."""
    facts = (application.id, application.name, application.owner, application.description, application.tier)
    return _tag([*facts, application.production, application.sandbox])


def team_version(team: Team) -> str:
    """The entity tag of a team."""
    return _tag([team.id, team.name, *((one.id, one.role) for one in team.members)])


def keys_version(client: Client) -> str:
    """The entity tag of a pair of keys. Secrets and API keys are no part of it."""
    facts: list[Any] = [client.id, client.enabled, client.lifetime, client.format]
    return _tag([*facts, *map(sorted, (client.grants, client.scopes, client.audiences, client.auth))])


def _tag(facts: list[Any]) -> str:
    return f'"{sha256(json.dumps(facts).encode()).hexdigest()[:20]}"'


def only_if(if_match: str | None, version: str) -> None:
    """Raises VersionDiffers unless a request with this If-Match may change what has this version.

    RFC 9110 section 13.1.1: without the header it may; tags are compared strongly, so a weak one never fits.
    """
    if if_match is None or if_match.strip() == "*":
        return
    if version not in [f'"{tag}"' for weak, tag in _TAG.findall(if_match) if not weak]:
        raise VersionDiffers("it was changed meanwhile")


def application_check(if_match: str | None) -> Callable[[Application], None]:
    """Raises VersionDiffers for an application that is not what the caller has seen."""
    return lambda application: only_if(if_match, application_version(application))


def team_check(if_match: str | None) -> Callable[[Team], None]:
    """The same for a team."""
    return lambda team: only_if(if_match, team_version(team))


def keys_check(if_match: str | None) -> Callable[[Client], None]:
    """The same for keys."""
    return lambda client: only_if(if_match, keys_version(client))
