"""The OpenAPI 3.1 document of the REST interface, made from the same tables that serve it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway import __version__
from gateway.accounts.activity import ACTIONS, PLACE
from gateway.accounts.call_reports import DAYS
from gateway.oauth.roles import ROLES
from gateway.oauth.team import TEAM_ROLES
from gateway.portal.api.call_counts import KEY_TYPES
from gateway.portal.api.operations import OPERATIONS, Operation
from gateway.portal.api.responses import STATUSES
from gateway.portal.api.settings import LEVELS
from gateway.portal.services import MANAGE

_TEXT, _NUMBER, _TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}
_OR_NULL = ["string", "null"]


def _object(required: Iterable[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(name: str, **more: Any) -> dict[str, Any]:
    return _object(
        ["count", "list"], count=_NUMBER, list={"type": "array", "items": _reference(name)}, **more
    )


def _page_of(name: str) -> dict[str, Any]:
    return _list_of(
        name, pagination=_object(["offset", "limit", "total"], offset=_NUMBER, limit=_NUMBER, total=_NUMBER)
    )


_KEYS = {
    "keyMappingId": _TEXT,
    "keyType": {"enum": ["PRODUCTION", "SANDBOX"]},
    "mode": {"const": "CREATED"},
    "keyState": {"enum": ["APPROVED", "REJECTED"]},
    "consumerKey": _TEXT,
    "consumerSecret": {"type": "string", "description": "Only where it has just been made."},
    "supportedGrantTypes": _TEXTS,
    "scopes": _TEXTS,
    "audiences": _TEXTS,
    "validityTime": {
        "type": ["integer", "null"],
        "description": "Seconds that tokens live; null: the default.",
    },
    "tokenFormat": {"enum": ["opaque", "jwt", None], "description": "null: the default."},
    "tokenEndpointAuthMethod": {
        "enum": ["client_secret_basic", "client_secret_post", None],
        "description": "The one way in which the secret may be shown; null: either.",
    },
}
_ANSWERS: dict[str, dict[str, Any]] = {
    "Application": _object(
        ["applicationId", "name", "owner", "status"],
        applicationId=_TEXT,
        name=_TEXT,
        description=_TEXT,
        throttlingPolicy={"type": _OR_NULL},
        owner={"type": _OR_NULL, "description": "The owner's name; null: the owner no longer exists."},
        teamId={"type": _OR_NULL, "description": "The team that owns it; null: no team does."},
        status={"const": "APPROVED"},
        createdTime=_NUMBER,
    ),
    "ApplicationList": _page_of("Application"),
    "Keys": _object(["keyMappingId", "keyType", "consumerKey"], **_KEYS, token=_reference("Token")),
    "KeysList": _list_of("Keys"),
    "KeysStatus": _object(
        ["lastCall", "lastToken", "limits"],
        lastCall={"anyOf": [_reference("KeyUse"), {"type": "null"}], "description": "null: there was none."},
        lastToken={"anyOf": [_reference("KeyUse"), {"type": "null"}], "description": "Likewise."},
        limits={"type": "array", "items": _reference("Limit")},
    ),
    "KeyUse": _object(
        ["time", "address", "library"],
        time={"type": "integer", "description": "Seconds since the epoch."},
        address=_TEXT,
        library={"type": _OR_NULL, "description": "The product of User-Agent; null: none."},
    ),
    "Call": _object(
        ["time", "method", "route", "status", "seconds", "requestId"],
        time={"type": "number", "description": "Seconds since the epoch."},
        method=_TEXT,
        route={"type": "string", "description": "The route's path as configured."},
        status={"type": "integer", "description": "499: the client left."},
        code={"type": _OR_NULL, "description": "With which the gateway refused it; null: it did not."},
        reason={"type": _OR_NULL},
        seconds={"type": "number", "description": "Until the last byte was sent."},
        requestId=_TEXT,
    ),
    "CallList": _list_of("Call"),
    "Activity": _list_of(
        "ActivityEntry",
        next={"type": _OR_NULL, "description": "What `before` takes for the entries before these."},
    ),
    "ActivityEntry": _object(
        ["time", "actor", "action", "target"],
        time={"type": "string", "format": "date-time"},
        actor={"type": "string", "description": "As in the audit log."},
        action={"enum": list(ACTIONS)},
        target={"type": "string", "description": "An id, or a name."},
        applicationId={"type": _OR_NULL},
        before={"type": ["object", "null"], "description": "What differed before."},
        after={"type": ["object", "null"], "description": "What differs now."},
    ),
    "CallCount": _object(
        ["date", "keyMappingId", "keyType", "route", "status", "calls"],
        date={"type": "string", "format": "date", "description": "In UTC."},
        keyMappingId=_TEXT,
        keyType={"enum": ["PRODUCTION", "SANDBOX"]},
        route={"type": "string", "description": "The route's path as configured."},
        status={"type": "integer", "description": "0: of further routes and statuses together."},
        code={"type": _OR_NULL, "description": "With which the gateway refused them; null: it did not."},
        reason={"type": _OR_NULL},
        calls=_NUMBER,
    ),
    "CallCountList": _list_of("CallCount"),
    "Limit": _object(
        ["name", "limit", "seconds", "left"],
        name={"type": "string", "description": "As in the RateLimit headers."},
        route={"type": _OR_NULL, "description": "null: it counts the calls of all routes together."},
        methods=_TEXTS,
        limit=_NUMBER,
        seconds={"type": "integer", "description": "The length of its window."},
        left=_NUMBER,
        ends={"type": ["integer", "null"], "description": "When its period ends; null: it slides."},
    ),
    "Secret": _object(["consumerKey", "consumerSecret"], consumerKey=_TEXT, consumerSecret=_TEXT),
    "NamedSecret": _object(
        ["secretId"],
        secretId={"type": "string", "description": "Its name."},
        secretValue={"type": "string", "description": "Only where it has just been made."},
        additionalProperties=_object(
            ["expiresAt"],
            description=_TEXT,
            createdAt={"type": "integer", "description": "Seconds since the epoch."},
            expiresAt={"type": ["integer", "null"], "description": "Likewise; null: it has no end."},
        ),
    ),
    "SecretList": _list_of("NamedSecret"),
    "ApiKey": _object(
        ["prefix", "keyName", "expiresAt", "lastUsedAt"],
        prefix={"type": "string", "description": "The first characters of the key."},
        keyName=_TEXT,
        createdAt={"type": "integer", "description": "Seconds since the epoch."},
        expiresAt={"type": ["integer", "null"], "description": "Likewise; null: it has no end."},
        lastUsedAt={"type": ["integer", "null"], "description": "Likewise; null: never."},
        lastUsedFrom={"type": _OR_NULL, "description": "The address."},
        lastUsedWith={"type": _OR_NULL, "description": "The product of User-Agent."},
    ),
    "ApiKeyList": _list_of("ApiKey"),
    "NewApiKey": _object(
        ["apikey", "prefix"],
        apikey={"type": "string", "description": "Shown only now."},
        prefix=_TEXT,
        validityTime={"type": ["integer", "null"]},
    ),
    "Token": _object(
        ["accessToken", "tokenScopes", "validityTime"],
        accessToken=_TEXT,
        tokenScopes=_TEXTS,
        validityTime=_NUMBER,
    ),
    "Subscription": _object(
        ["subscriptionId", "applicationId", "apiId", "status"],
        subscriptionId=_TEXT,
        applicationId=_TEXT,
        apiId={"type": "string", "description": "The API's name."},
        status={"enum": list(STATUSES.values())},
        throttlingPolicy={"type": _OR_NULL, "description": "null: that of the application."},
        scopes=_TEXTS,
        note=_TEXT,
        requestedTime={"type": "integer", "description": "Seconds since the epoch."},
        requestedBy=_TEXT,
        decidedTime={"type": ["integer", "null"], "description": "Likewise; null: it waits."},
        decidedBy={"type": _OR_NULL},
        answer=_TEXT,
    ),
    "SubscriptionList": _page_of("Subscription"),
    "Team": _object(
        ["teamId", "name", "members"],
        teamId=_TEXT,
        name=_TEXT,
        createdTime=_NUMBER,
        members={"type": "array", "items": _reference("Member")},
    ),
    "TeamList": _page_of("Team"),
    "Member": _object(
        ["memberId", "name", "role"],
        memberId={"type": "string", "description": "The user's id."},
        name={"type": _OR_NULL, "description": "null: the user no longer exists."},
        role={"enum": list(TEAM_ROLES)},
    ),
    "User": _object(
        ["userId", "name", "role", "status", "source"],
        userId=_TEXT,
        name=_TEXT,
        role={"enum": list(ROLES)},
        status={"enum": ["ACTIVE", "BLOCKED", "PENDING"], "description": "PENDING: waits for approval."},
        source={"enum": ["file", "store"], "description": "file: gateway.yaml, where it is changed."},
        provider={"type": _OR_NULL, "description": "Where the user signs in; null: with a password."},
        createdTime={"type": ["integer", "null"], "description": "null: not known."},
    ),
    "UserList": _page_of("User"),
    "Invitation": _object(
        ["invitation", "validityTime"],
        invitation={"type": "string", "description": "A link for one user, shown only now."},
        validityTime=_NUMBER,
    ),
    "Settings": _object(
        ["grantTypes", "scopes", "apiGatewayEndpoint"],
        grantTypes=_TEXTS,
        scopes={"type": "array", "items": _TEXT, "description": "Those that this interface needs."},
        apiGatewayEndpoint=_TEXT,
        applicationSharingEnabled={"type": "boolean", "description": "Whether there are teams."},
        mapExistingAuthApps=_TRUTH,
        monetizationEnabled=_TRUTH,
        recommendationEnabled=_TRUTH,
        IsUnlimitedTierPaid=_TRUTH,
        IsAnonymousModeEnabled=_TRUTH,
        IsPasswordChangeEnabled=_TRUTH,
    ),
    "ThrottlingPolicy": _object(
        ["name", "policyLevel", "requestCount", "unitTime", "timeUnit", "tierPlan", "stopOnQuotaReach"],
        name=_TEXT,
        description=_TEXT,
        policyLevel={"enum": list(LEVELS)},
        quotaPolicyType={"const": "REQUESTCOUNT"},
        requestCount={"type": "integer", "description": "The most requests in any period of unitTime."},
        unitTime=_NUMBER,
        timeUnit={"enum": ["day", "hour", "min", "sec", "ms"]},
        tierPlan={"const": "FREE"},
        stopOnQuotaReach={"const": True},
        attributes={"type": "object", "additionalProperties": _TEXT},
    ),
    "ThrottlingPolicyList": _page_of("ThrottlingPolicy"),
    "Webhook": _object(
        ["url", "status", "createdTime", "secretCreatedTime", "failingSince"],
        url=_TEXT,
        status={"enum": ["ACTIVE", "GONE", "FAILED"], "description": "But for ACTIVE it is switched off."},
        createdTime=_NUMBER,
        secretCreatedTime=_NUMBER,
        failingSince={"type": ["integer", "null"], "description": "null: it works."},
        secret={"type": "string", "description": "Only where it has just been made."},
    ),
    "WebhookTest": _object(
        ["delivered", "status", "detail"],
        delivered=_TRUTH,
        status={"type": ["integer", "null"], "description": "null: there was no answer."},
        detail=_TEXT,
    ),
    "Problem": _object(
        ["title", "status", "detail", "code"],
        title=_TEXT,
        status=_NUMBER,
        detail=_TEXT,
        code=_TEXT,
        request_id=_TEXT,
    ),
}
_IN_QUERY: dict[str, dict[str, Any]] = {
    "actor": {"type": "string", "description": "A part of it."},
    "action": {"enum": list(ACTIONS)},
    "before": {"type": "string", "pattern": f"^{PLACE.pattern}$"},
    "applicationId": {"type": "string"},
    "apiId": {"type": "string"},
    "status": {"enum": list(STATUSES.values())},
    "keyType": {"enum": list(KEY_TYPES)},
    "days": {"type": "integer", "minimum": 0, "maximum": DAYS},
}
_USER_ID = "^(file|store):[0-9a-f]{24,40}$"
_IDS = {
    "applicationId": "^[A-Za-z0-9]{1,64}$",
    "keyMappingId": "^[A-Za-z0-9]{1,64}$",
    "subscriptionId": "^[A-Za-z0-9]{1,64}-[0-9a-f]{12}$",
    "policyLevel": f"^({'|'.join(LEVELS)})$",
    "policyId": "^[A-Za-z0-9._-]{1,64}$",
    "teamId": "^team:[0-9a-f]{24}$",
    "memberId": _USER_ID,
    "userId": _USER_ID,
}
"""What stands in paths."""
_REFUSALS = {
    "400": "The request is malformed or not allowed.",
    "401": "The access token is missing or not valid.",
    "403": f"The token lacks the scope {MANAGE}, or the caller may see the resource but not do this.",
    "404": "There is no such resource, or you may not see it.",
    "409": "The request conflicts with the current state: the name is taken, or the keys exist already.",
    "412": "If-Match has none of the present versions.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "503": "The store did not answer: a change may have been made, or not. Read it again.",
}


def document(public_url: str) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatepost developer portal",
            "version": __version__,
            "description": f"A token from /token with the scope {MANAGE} is needed.",
        },
        "servers": [{"url": f"{public_url}/portal/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _ANSWERS | _bodies(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _bodies() -> dict[str, Any]:
    models = {operation.body for operation in OPERATIONS if operation.body is not None}
    shapes: dict[str, Any] = {}
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        ignored = {"description": "Taken, and of no effect."}
        schema.setdefault("properties", {}).update(dict.fromkeys(sorted(model.let_be), ignored))
        shapes |= schema.pop("$defs", {})
        shapes[model.__name__] = schema
    return shapes


def _operation(operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": (operation.handler.__doc__ or "").strip(),
        "parameters": [_parameter(name, operation) for name in operation.parameters],
        "responses": {str(operation.status): _answer(operation)} | _unchanged(operation) | _refusals(),
    }
    if operation.body is not None:
        needed = any(field.is_required() for field in operation.body.model_fields.values())
        content = {"application/json": {"schema": _reference(operation.body.__name__)}}
        made["requestBody"] = {"required": needed, "content": content}
    return made


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.answer is None:
        return {"description": "Done."}
    content = {"application/json": {"schema": _reference(operation.answer)}}
    return {"description": "Done.", "content": content}


def _unchanged(operation: Operation) -> dict[str, Any]:
    if operation.method != "GET":
        return {}
    return {"304": {"description": "If-None-Match has the ETag of what would be answered."}}


def _refusals() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _reference("Problem")}}
    return {status: {"description": text, "content": content} for status, text in _REFUSALS.items()}


def _parameter(name: str, operation: Operation) -> dict[str, Any]:
    if name in operation.query and name in _IN_QUERY:
        return {"name": name, "in": "query", "schema": _IN_QUERY[name]}
    if name in _IDS:
        schema = {"type": "string", "pattern": _IDS[name]}
        return {"name": name, "in": "path", "required": True, "schema": schema}
    if name == "owner":
        text = {"type": "string", "minLength": 1, "maxLength": 100}
        return {
            "name": name,
            "in": "query",
            "required": True,
            "schema": text,
            "description": "A user's name or id, or a team's id.",
        }
    if name == "query":
        return {"name": name, "in": "query", "schema": {"type": "string", "maxLength": 100}}
    most = 200 if name == "limit" else 999_999
    return {"name": name, "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": most}}
