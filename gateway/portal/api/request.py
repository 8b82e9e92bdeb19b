"""A program's request: on whose behalf it comes, and what it brings."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

from gateway.faults import BAD_REQUEST, FORBIDDEN, INVALID_TOKEN, MISSING_TOKEN, Fault, FaultKind
from gateway.oauth.application import Application, Environment
from gateway.oauth.bearer import Refusal, challenge, judge, read_bearer
from gateway.oauth.people import User
from gateway.oauth.values import Client, TokenFacts
from gateway.portal.api.bodies import Body
from gateway.portal.desk import MANAGE, PortalDesk
from gateway.web.arrival import HEAD
from gateway.web.token import read_body

NOT_FOUND = FaultKind("404", 404, "Not found", "There is no such thing, or it is somebody else's.")
CONFLICT = FaultKind("409", 409, "Conflict", "This is not possible as things are.")
NOT_JSON = FaultKind("415", 415, "Unsupported media type", "The body must be application/json.")
REALM = "gatepost"
_KINDS = {Refusal.MISSING: MISSING_TOKEN, Refusal.MALFORMED: BAD_REQUEST, Refusal.SCOPE: FORBIDDEN}
_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose token is good."""

    request: web.Request
    desk: PortalDesk
    user: User
    """On whose behalf it comes."""

    async def body(self, model: type[B]) -> B:
        """The JSON object that it brings. Raises Fault."""
        media_type = (self.request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        data = await read_body(self.request, self.desk.body_timeout)
        if not data and not any(field.is_required() for field in model.model_fields.values()):
            return model()
        if media_type != "application/json":
            raise Fault(NOT_JSON)
        try:
            return model.model_validate(_loaded(data))
        except (ValueError, RecursionError) as error:
            raise Fault(BAD_REQUEST, _told(error)) from None

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number in the query. Raises Fault."""
        text = self.request.query.get(name, str(default))
        if not _NUMBER.fullmatch(text) or int(text) > most:
            raise Fault(BAD_REQUEST, f"{name} must be a whole number from 0 to {most}.")
        return int(text)

    async def application(self) -> Application:
        """The application that the path names. Raises Fault."""
        found = await self.desk.applications.find(self.user, self.request.match_info["applicationId"])
        if found is None:
            raise Fault(NOT_FOUND)
        return found

    async def keys(self) -> tuple[Application, Environment, Client]:
        """The keys that the path names. Raises Fault."""
        application, wanted = await self.application(), self.request.match_info["keyMappingId"]
        for environment in ("production", "sandbox"):
            if application.client_id(environment) == wanted:
                client = await self.desk.applications.client(application, environment)
                if client is not None:
                    return application, environment, client
        raise Fault(NOT_FOUND)


def _loaded(data: bytes) -> object:
    value = json.loads(data, parse_constant=_refuse)
    # Half a surrogate pair is no text: it could be neither kept nor answered.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _told(error: Exception) -> str:
    """What is wrong, without repeating what was sent."""
    if not isinstance(error, ValidationError):
        return "The body is not valid JSON."
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "The body"
    return f"{place}: {first['msg']}."


async def caller(request: web.Request, desk: PortalDesk) -> User:
    """On whose behalf a token speaks: its user, its application's owner, or, for clients of whoever runs the
    gateway, an administrator.

    Raises:
        Fault: 401 or 403, with the challenge of RFC 6750.
        StoreUnavailable: it can't be known now.
    """
    token = read_bearer(request[HEAD].values(b"authorization"))
    if isinstance(token, Refusal):
        raise _refused(token)
    facts = await desk.find_token(token)
    refusal = judge(facts, frozenset({MANAGE}), None, desk.clock())
    if facts is None or refusal is not None:
        raise _refused(refusal or Refusal.INVALID)
    user = await _speaks_for(facts, desk)
    if user is None:
        raise _refused(Refusal.SCOPE)
    return user


async def _speaks_for(facts: TokenFacts, desk: PortalDesk) -> User | None:
    client = await desk.clients.find(facts.client)
    # A scope that any client may ask for is not enough: these keys must have been given it.
    if client is None or client.source != facts.source or MANAGE not in client.scopes:
        return None
    if facts.user is not None:
        return await desk.users.find(facts.user)
    if client.owner and not client.owner.startswith(PROGRAM):
        return await desk.users.find(client.owner)
    # No user is called so: a slash can't stand in a name.
    return User(client.owner or f"{PROGRAM}{client.id}", "", admin=not client.owner)


PROGRAM = "client/"


def _refused(refusal: Refusal) -> Fault:
    value = challenge(refusal, realm=REALM, metadata="", scope=MANAGE)
    kind = _KINDS.get(refusal, INVALID_TOKEN)
    detail = f"The access token needs the scope {MANAGE}." if refusal is Refusal.SCOPE else ""
    return Fault(kind, detail, headers=[(b"WWW-Authenticate", value.encode())])
