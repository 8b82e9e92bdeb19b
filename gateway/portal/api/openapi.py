"""The OpenAPI 3.1 document of the REST interface, made from the same tables that serve it."""

from __future__ import annotations

from typing import Any

from gateway import __version__
from gateway.accounts.activity import ACTIONS, PLACE
from gateway.accounts.call_reports import DAYS
from gateway.portal.api.answer_schemas import ANSWERS, reference
from gateway.portal.api.call_counts import KEY_TYPES
from gateway.portal.api.operations import OPERATIONS, Operation
from gateway.portal.api.responses import STATUSES
from gateway.portal.api.settings import LEVELS
from gateway.portal.services import MANAGE

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
    "429": "Too many mails were asked for; Retry-After says when to come again.",
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
            "schemas": ANSWERS | _bodies(),
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
        content = {"application/json": {"schema": reference(operation.body.__name__)}}
        made["requestBody"] = {"required": needed, "content": content}
    return made


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.answer is None:
        return {"description": "Done."}
    content = {"application/json": {"schema": reference(operation.answer)}}
    return {"description": "Done.", "content": content}


def _unchanged(operation: Operation) -> dict[str, Any]:
    if operation.method != "GET":
        return {}
    return {"304": {"description": "If-None-Match has the ETag of what would be answered."}}


def _refusals() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": reference("Problem")}}
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
