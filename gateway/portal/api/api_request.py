"""A program's request: on whose behalf it comes, and what it brings."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

from gateway.accounts.applications import CLIENT_OWNER
from gateway.http.problems import (
    BAD_REQUEST,
    INSUFFICIENT_SCOPE,
    INVALID_TOKEN,
    MISSING_TOKEN,
    Problem,
    ProblemType,
)
from gateway.oauth.application import Application, Environment
from gateway.oauth.bearer import AuthError, challenge, check_access, read_bearer
from gateway.oauth.model import Client, TokenInfo
from gateway.oauth.user import User
from gateway.portal.api.request_bodies import Body
from gateway.portal.services import MANAGE, PortalServices
from gateway.web.oauth_endpoints import read_body
from gateway.web.request_context import HEAD

NOT_FOUND = ProblemType("404", 404, "Not found", "There is no such resource, or you may not see it.")
CONFLICT = ProblemType(
    "409", 409, "Conflict", "The request conflicts with the current state of the resource."
)
CHANGED = ProblemType(
    "412",
    412,
    "Precondition failed",
    "It was changed meanwhile: read it again, with its ETag.",
)
FORBIDDEN = ProblemType("403", 403, "Forbidden", "You may not do this.")
NOT_JSON = ProblemType("415", 415, "Unsupported media type", "The body must be application/json.")
REALM = "gatepost"
_KINDS = {
    AuthError.MISSING: MISSING_TOKEN,
    AuthError.MALFORMED: BAD_REQUEST,
    AuthError.SCOPE: INSUFFICIENT_SCOPE,
}
LONGEST_NAME = 100
"""Characters that are shown of the name of a member."""
LONGEST_QUERY = 100
"""Characters of a search."""
_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose token is good."""

    request: web.Request
    services: PortalServices
    user: User
    """On whose behalf it comes."""

    @property
    def if_match(self) -> str | None:
        """The versions of which it may change something; None: any."""
        return self._listed("If-Match")

    @property
    def if_none_match(self) -> str | None:
        """The representations that it has already; None: none."""
        return self._listed("If-None-Match")

    def _listed(self, name: str) -> str | None:
        values = self.request.headers.getall(name, [])
        return ", ".join(values) if values else None

    @property
    def searched(self) -> str:
        """What is to be in what a list shows; empty: anything. Raises Problem."""
        text = self.request.query.get("query", "")
        if len(text) > LONGEST_QUERY:
            raise Problem(BAD_REQUEST, f"query must have at most {LONGEST_QUERY} characters.")
        return text

    async def body(self, model: type[B]) -> B:
        """The JSON object that it brings. Raises Problem."""
        media_type = (self.request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        data = await read_body(self.request, self.services.body_timeout)
        if not data and not any(field.is_required() for field in model.model_fields.values()):
            return model()
        if media_type != "application/json":
            raise Problem(NOT_JSON)
        try:
            return model.model_validate(_loaded(data))
        except (ValueError, RecursionError) as error:
            raise Problem(BAD_REQUEST, _told(error, model)) from None

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number in the query. Raises Problem."""
        text = self.request.query.get(name, str(default))
        if not _NUMBER.fullmatch(text) or int(text) > most:
            raise Problem(BAD_REQUEST, f"{name} must be a whole number from 0 to {most}.")
        return int(text)

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of some words in the query; None where it is left out. Raises Problem."""
        text = self.request.query.get(name)
        if text is not None and text not in allowed:
            raise Problem(BAD_REQUEST, f"{name} must be one of {', '.join(allowed)}.")
        return text

    async def application(self) -> Application:
        """The application that the path names. Raises Problem."""
        found = await self.services.applications.find(self.user, self.request.match_info["applicationId"])
        if found is None:
            raise Problem(NOT_FOUND)
        return found

    async def keys(self) -> tuple[Application, Environment, Client]:
        """The keys that the path names. Raises Problem."""
        application, wanted = await self.application(), self.request.match_info["keyMappingId"]
        for environment in ("production", "sandbox"):
            if application.client_id(environment) == wanted:
                client = await self.services.applications.client(application, environment)
                if client is not None:
                    return application, environment, client
        raise Problem(NOT_FOUND)


def _loaded(data: bytes) -> object:
    value = json.loads(data, parse_constant=_refuse)
    # Half a surrogate pair is no text: it could be neither kept nor answered.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _told(error: Exception, model: type[Body]) -> str:
    """What is wrong, without repeating what was sent but for the name of a member."""
    if not isinstance(error, ValidationError):
        return "The body is not valid JSON."
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part)[:LONGEST_NAME] for part in first["loc"]) or "The body"
    if first["type"] == "extra_forbidden":
        known = [*model.model_fields, *model.let_be]
        near = next(iter(get_close_matches(str(first["loc"][-1])[:LONGEST_NAME], known, 1)), None)
        return f"{place}: there is no such member{f' (did you mean {near}?)' if near else ''}."
    return f"{place}: {first['msg']}."


async def caller(request: web.Request, services: PortalServices) -> User:
    """On whose behalf a token speaks: its user, its application's owner, or, for clients of whoever runs the
    gateway, an administrator.

    Raises:
        Problem: 401 or 403, with the challenge of RFC 6750.
        StoreUnavailable: it can't be known now.
    """
    token = read_bearer(request[HEAD].values(b"authorization"))
    if isinstance(token, AuthError):
        raise _refused(token)
    facts = await services.find_token(token)
    refusal = check_access(facts, frozenset({MANAGE}), None, services.clock())
    if facts is None or refusal is not None:
        raise _refused(refusal or AuthError.INVALID)
    user = await _speaks_for(facts, services)
    if user is None:
        raise _refused(AuthError.SCOPE)
    return user


async def _speaks_for(facts: TokenInfo, services: PortalServices) -> User | None:
    client = await services.clients.find(facts.client)
    # A scope that any client may ask for is not enough: these keys must have been given it.
    if client is None or client.source != facts.source or MANAGE not in client.scopes:
        return None
    if facts.user is not None:
        return None if facts.user_id is None else await services.users.get(facts.user_id)
    if client.application and not client.owner.startswith(CLIENT_OWNER):
        return await services.users.get(client.owner) or await _team_program(client.owner, services)
    return _program(client)


async def _team_program(owner: str, services: PortalServices) -> User | None:
    """The keys of a team's application: they act for the team. None where it does not exist."""
    team = await services.teams.get(owner)
    return None if team is None else User(f"team/{team.name}", "", id=team.id)


def _program(client: Client) -> User | None:
    """A client of whoever runs the gateway, as an administrator; the keys of an application that such a
    client has made, as the owner of these applications.
    """
    if not client.application:
        return User(f"client/{client.id}", "", role="admin", id=f"{CLIENT_OWNER}{client.id}")
    name = "client/" + client.owner.removeprefix(CLIENT_OWNER)
    return User(name, "", id=client.owner)


def _refused(refusal: AuthError) -> Problem:
    value = challenge(refusal, realm=REALM, metadata="", scope=MANAGE)
    kind = _KINDS.get(refusal, INVALID_TOKEN)
    detail = f"The access token needs the scope {MANAGE}." if refusal is AuthError.SCOPE else ""
    return Problem(kind, detail, headers=[(b"WWW-Authenticate", value.encode())])
