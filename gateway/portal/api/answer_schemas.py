"""What the operations of the REST interface answer, as schemas of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.accounts.activity import ACTIONS
from gateway.oauth.roles import ROLES
from gateway.oauth.team import TEAM_ROLES
from gateway.oauth.user_mail import KINDS
from gateway.portal.api.responses import STATUSES
from gateway.portal.api.settings import LEVELS

_TEXT, _NUMBER, _TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_TEXTS = {"type": "array", "items": _TEXT}
_OR_NULL = ["string", "null"]


def _object(required: Iterable[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def reference(name: str) -> dict[str, str]:
    """A schema that stands elsewhere in the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(name: str, **more: Any) -> dict[str, Any]:
    return _object(["count", "list"], count=_NUMBER, list={"type": "array", "items": reference(name)}, **more)


def _page_of(name: str) -> dict[str, Any]:
    return _list_of(
        name,
        pagination=_object(
            ["offset", "limit", "total", "next", "previous"],
            offset=_NUMBER,
            limit=_NUMBER,
            total=_NUMBER,
            next={"type": "string", "description": "The link to the next page; empty: this is the last."},
            previous={"type": "string", "description": "Likewise; empty: this is the first."},
        ),
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
ANSWERS: dict[str, dict[str, Any]] = {
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
    "Keys": _object(["keyMappingId", "keyType", "consumerKey"], **_KEYS, token=reference("Token")),
    "KeysList": _list_of("Keys"),
    "KeysStatus": _object(
        ["lastCall", "lastToken", "limits"],
        lastCall={"anyOf": [reference("KeyUse"), {"type": "null"}], "description": "null: there was none."},
        lastToken={"anyOf": [reference("KeyUse"), {"type": "null"}], "description": "Likewise."},
        limits={"type": "array", "items": reference("Limit")},
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
    "CallList": _page_of("Call"),
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
    "CallCountList": _page_of("CallCount"),
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
        members={"type": "array", "items": reference("Member")},
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
    "Me": _object(
        ["userId", "name", "role", "teams", "email"],
        userId={"type": "string", "description": "A user's id, or that of a client or a team."},
        name=_TEXT,
        role={"enum": list(ROLES)},
        teams={"type": "array", "items": reference("Membership")},
        email={"anyOf": [reference("Email"), {"type": "null"}], "description": "null: it can have none."},
    ),
    "Membership": _object(
        ["teamId", "name", "role"],
        teamId=_TEXT,
        name=_TEXT,
        role={"enum": [*TEAM_ROLES, None], "description": "null: it is the team's own application."},
    ),
    "Email": _object(
        ["address", "pendingAddress", "notices"],
        address={"type": _OR_NULL, "description": "The confirmed one; null: none is."},
        pendingAddress={"type": _OR_NULL, "description": "The one that waits for being confirmed."},
        notices={"type": "array", "items": {"enum": list(KINDS)}, "description": "What is told there."},
    ),
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
        identityProvider=_object(["external"], external=_TRUTH),
        passwordPolicyMinLength=_NUMBER,
        passwordPolicyMaxLength=_NUMBER,
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
        rateLimitCount={"const": 0, "description": "`attributes.burst` is another limit."},
        attributes={"type": "object", "additionalProperties": _TEXT},
    ),
    "ThrottlingPolicyList": _page_of("ThrottlingPolicy"),
    "Webhook": _object(
        ["url", "status", "createdTime", "secretCreatedTime", "failingSince"],
        url=_TEXT,
        status={
            "enum": ["ACTIVE", "GONE", "FAILED", "DISABLED"],
            "description": "But for ACTIVE it is switched off.",
        },
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
