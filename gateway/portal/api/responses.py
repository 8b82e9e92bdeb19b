"""What programs get, in WSO2's shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.accounts.key_uses import KeyUse
from gateway.oauth.api_subscription import ApiSubscription, SubscriptionState
from gateway.oauth.application import Application, Environment
from gateway.oauth.model import Client, Secret
from gateway.oauth.team import TEAM_OWNER, Team
from gateway.oauth.user import User
from gateway.portal.services import ThrottlingPolicy
from gateway.tokens.token_issuer import TokenResponse


def answer(body: object, status: int = 200, **headers: str) -> web.Response:
    """A JSON answer; it may hold a secret, so nobody keeps it."""
    kept = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=json.dumps(body).encode(), status=status, headers=kept | headers)


def application_shape(application: Application) -> dict[str, Any]:
    """An application."""
    return {
        "applicationId": application.id,
        "name": application.name,
        "description": application.description,
        "throttlingPolicy": application.tier or None,
        "owner": application.owner_name if application.has_owner else None,
        "teamId": application.owner if application.owner.startswith(TEAM_OWNER) else None,
        "status": "APPROVED",
        "createdTime": application.created,
    }


def team_shape(team: Team, names: Mapping[str, str]) -> dict[str, Any]:
    """A team, with the names of its members as far as they exist."""
    members = [{"memberId": one.id, "name": names.get(one.id), "role": one.role} for one in team.members]
    return {"teamId": team.id, "name": team.name, "createdTime": team.created, "members": members}


def user_shape(user: User) -> dict[str, Any]:
    """A user, for administrators."""
    status = "PENDING" if user.pending else "BLOCKED" if user.blocked else "ACTIVE"
    return {
        "userId": user.id,
        "name": user.name,
        "role": user.role,
        "status": status,
        "source": user.source,
        "provider": user.provider or None,
        "createdTime": user.created or None,
    }


def keys_shape(client: Client, environment: Environment, secret: str | None = None) -> dict[str, Any]:
    """A pair of keys; the secret only where it has just been made."""
    shape = {
        "keyMappingId": client.id,
        "keyType": environment.upper(),
        "mode": "CREATED",
        "keyState": "APPROVED" if client.enabled else "REJECTED",
        "consumerKey": client.id,
        "supportedGrantTypes": sorted(client.grants),
        "scopes": list(client.scopes),
        "audiences": list(client.audiences),
        "validityTime": client.lifetime,
        "tokenFormat": client.format,
        "tokenEndpointAuthMethod": next(iter(client.auth)) if len(client.auth) == 1 else None,
    }
    return shape if secret is None else shape | {"consumerSecret": secret}


def secret_shape(secret: Secret) -> dict[str, Any]:
    """What is known of a secret. Its name is what it is ended by."""
    return {
        "secretId": secret.name,
        "additionalProperties": {
            "description": secret.name,
            "createdAt": secret.created,
            "expiresAt": secret.expires,
        },
    }


def api_key_shape(key: Secret, use: KeyUse | None) -> dict[str, Any]:
    """What is known of an API key. Its prefix is what it is revoked by."""
    return {
        "prefix": key.prefix,
        "keyName": key.name,
        "createdAt": key.created,
        "expiresAt": key.expires,
        "lastUsedAt": None if use is None else use.time,
        "lastUsedFrom": None if use is None else use.address,
        "lastUsedWith": None if use is None else use.library or None,
    }


STATUSES: dict[SubscriptionState, str] = {
    "pending": "ON_HOLD",
    "approved": "UNBLOCKED",
    "refused": "REJECTED",
    "ended": "BLOCKED",
}
"""What WSO2 calls the states of a subscription."""


def subscription_shape(application: Application, one: ApiSubscription) -> dict[str, Any]:
    """A subscription."""
    return {
        "subscriptionId": f"{application.id}-{one.key}",
        "applicationId": application.id,
        "apiId": one.api,
        "status": STATUSES[one.state],
        "throttlingPolicy": one.tier or None,
        "scopes": list(one.scopes),
        "note": one.note,
        "requestedTime": one.asked,
        "requestedBy": one.asked_by,
        "decidedTime": one.decided or None,
        "decidedBy": one.decided_by or None,
        "answer": one.answer,
    }


_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "min"), (1000, "sec"), (1, "ms"))
"""WSO2's units of time, in milliseconds."""


def policy_shape(policy: ThrottlingPolicy, level: str) -> dict[str, Any]:
    """A throttling policy: a tier of the configuration."""
    milliseconds = max(round(policy.seconds * 1000), 1)
    length, unit = next((one, name) for one, name in _UNITS if milliseconds % one == 0)
    return {
        "name": policy.name,
        "description": "",
        "policyLevel": level,
        "quotaPolicyType": "REQUESTCOUNT",
        "requestCount": policy.limit,
        "unitTime": milliseconds // length,
        "timeUnit": unit,
        "rateLimitCount": 0,
        "tierPlan": "FREE",
        "stopOnQuotaReach": True,
        "attributes": {} if policy.burst is None else {"burst": str(policy.burst)},
    }


def token_shape(token: TokenResponse) -> dict[str, Any]:
    """A token."""
    return {
        "accessToken": token.access_token,
        "tokenScopes": token.scope.split(),
        "validityTime": token.expires_in,
    }
