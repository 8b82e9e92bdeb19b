"""All operations of the REST interface: one table, which is served and which is documented."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.portal.api import (
    activity,
    api_keys,
    applications,
    call_counts,
    key_secrets,
    key_status,
    keys,
    me,
    settings,
    subscriptions,
    teams,
    users,
    webhooks,
)
from gateway.portal.api.api_request import Call
from gateway.portal.api.request_bodies import (
    ApplicationBody,
    Body,
    DecisionBody,
    EmailBody,
    EndSubscriptionBody,
    GenerateApiKeyBody,
    GenerateKeysBody,
    GenerateSecretBody,
    GenerateTokenBody,
    KeysBody,
    MemberBody,
    MemberRoleBody,
    RegenerateSecretBody,
    RevokeApiKeyBody,
    RevokeSecretBody,
    SubscriptionBody,
    TeamBody,
    UserBody,
    WebhookBody,
)

_NAMED = re.compile(r"\{(\w+)\}")
_ONE = "/applications/{applicationId}"
_WEBHOOK = _ONE + "/webhook"
_SUBSCRIPTION = "/subscriptions/{subscriptionId}"
_TEAM = "/teams/{teamId}"
_MEMBER = _TEAM + "/members/{memberId}"
_USER = "/users/{userId}"
_EMAIL = "/me/email"
_POLICIES = "/throttling-policies/{policyLevel}"
_KEYS = _ONE + "/oauth-keys/{keyMappingId}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a program can ask for."""

    method: str
    path: str
    name: str
    handler: Callable[[Call], Awaitable[web.Response]]
    status: int
    """Of an answer that says yes."""
    answer: str | None = None
    """The schema of that answer; None: it is empty."""
    body: type[Body] | None = None
    query: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Those of the path, and those of the query."""
        return (*_NAMED.findall(self.path), *self.query)


OPERATIONS = (
    Operation(
        "GET",
        "/applications",
        "listApplications",
        applications.listing,
        200,
        "ApplicationList",
        query=("query", "limit", "offset"),
    ),
    Operation(
        "POST", "/applications", "createApplication", applications.create, 201, "Application", ApplicationBody
    ),
    Operation("GET", _ONE, "getApplication", applications.show, 200, "Application"),
    Operation("PUT", _ONE, "changeApplication", applications.change, 200, "Application", ApplicationBody),
    Operation("DELETE", _ONE, "deleteApplication", applications.delete, 204),
    Operation(
        "POST",
        _ONE + "/change-owner",
        "changeOwner",
        applications.change_owner,
        200,
        "Application",
        query=("owner",),
    ),
    Operation(
        "GET",
        _ONE + "/call-counts",
        "listCallCounts",
        call_counts.listing,
        200,
        "CallCountList",
        query=("days", "keyType", "limit", "offset"),
    ),
    Operation(
        "GET", _ONE + "/activity", "listActivity", activity.of_application, 200, "Activity", query=("before",)
    ),
    Operation(
        "GET",
        "/activity",
        "listAllActivity",
        activity.of_all,
        200,
        "Activity",
        query=("actor", "action", "applicationId", "before"),
    ),
    Operation("GET", _WEBHOOK, "getWebhook", webhooks.show, 200, "Webhook"),
    Operation("PUT", _WEBHOOK, "saveWebhook", webhooks.save, 200, "Webhook", WebhookBody),
    Operation("DELETE", _WEBHOOK, "deleteWebhook", webhooks.delete, 204),
    Operation(
        "POST",
        _WEBHOOK + "/regenerate-secret",
        "regenerateWebhookSecret",
        webhooks.regenerate_secret,
        200,
        "Webhook",
    ),
    Operation("POST", _WEBHOOK + "/test", "testWebhook", webhooks.test, 200, "WebhookTest"),
    Operation("POST", _ONE + "/generate-keys", "generateKeys", keys.generate, 200, "Keys", GenerateKeysBody),
    Operation("GET", _ONE + "/oauth-keys", "listKeys", keys.listing, 200, "KeysList"),
    Operation("GET", _KEYS, "getKeys", keys.show, 200, "Keys"),
    Operation("GET", _KEYS + "/status", "getKeysStatus", key_status.show, 200, "KeysStatus"),
    Operation(
        "GET", _KEYS + "/calls", "listCalls", key_status.calls, 200, "CallList", query=("limit", "offset")
    ),
    Operation("PUT", _KEYS, "changeKeys", keys.change, 200, "Keys", KeysBody),
    Operation(
        "POST",
        _KEYS + "/regenerate-secret",
        "regenerateSecret",
        key_secrets.regenerate,
        200,
        "Secret",
        RegenerateSecretBody,
    ),
    Operation("GET", _KEYS + "/secrets", "listSecrets", key_secrets.listing, 200, "SecretList"),
    Operation(
        "POST",
        _KEYS + "/generate-secret",
        "generateSecret",
        key_secrets.generate,
        200,
        "NamedSecret",
        GenerateSecretBody,
    ),
    Operation(
        "POST", _KEYS + "/revoke-secret", "revokeSecret", key_secrets.revoke, 204, None, RevokeSecretBody
    ),
    Operation("GET", _KEYS + "/api-keys", "listApiKeys", api_keys.listing, 200, "ApiKeyList"),
    Operation(
        "POST",
        _KEYS + "/generate-api-key",
        "generateApiKey",
        api_keys.generate,
        200,
        "NewApiKey",
        GenerateApiKeyBody,
    ),
    Operation(
        "POST", _KEYS + "/revoke-api-key", "revokeApiKey", api_keys.revoke, 204, None, RevokeApiKeyBody
    ),
    Operation("POST", _KEYS + "/clean-up", "cleanUpKeys", keys.clean_up, 204),
    Operation(
        "POST",
        _KEYS + "/generate-token",
        "generateToken",
        keys.generate_token,
        200,
        "Token",
        GenerateTokenBody,
    ),
    Operation(
        "GET",
        "/subscriptions",
        "listSubscriptions",
        subscriptions.listing,
        200,
        "SubscriptionList",
        query=("applicationId", "apiId", "status", "limit", "offset"),
    ),
    Operation(
        "POST",
        "/subscriptions",
        "createSubscription",
        subscriptions.create,
        201,
        "Subscription",
        SubscriptionBody,
    ),
    Operation("GET", _SUBSCRIPTION, "getSubscription", subscriptions.show, 200, "Subscription"),
    Operation("DELETE", _SUBSCRIPTION, "deleteSubscription", subscriptions.delete, 204),
    Operation(
        "POST",
        _SUBSCRIPTION + "/approve",
        "approveSubscription",
        subscriptions.approve,
        200,
        "Subscription",
        DecisionBody,
    ),
    Operation(
        "POST",
        _SUBSCRIPTION + "/refuse",
        "refuseSubscription",
        subscriptions.refuse,
        200,
        "Subscription",
        EndSubscriptionBody,
    ),
    Operation(
        "POST",
        _SUBSCRIPTION + "/end",
        "endSubscription",
        subscriptions.end,
        200,
        "Subscription",
        EndSubscriptionBody,
    ),
    Operation("GET", "/settings", "getSettings", settings.show, 200, "Settings"),
    Operation(
        "GET",
        _POLICIES,
        "listThrottlingPolicies",
        settings.policies,
        200,
        "ThrottlingPolicyList",
        query=("limit", "offset"),
    ),
    Operation(
        "GET", _POLICIES + "/{policyId}", "getThrottlingPolicy", settings.policy, 200, "ThrottlingPolicy"
    ),
    Operation(
        "GET", "/users", "listUsers", users.listing, 200, "UserList", query=("query", "limit", "offset")
    ),
    Operation("POST", "/invitations", "inviteUser", users.invite, 201, "Invitation"),
    Operation("GET", _USER, "getUser", users.show, 200, "User"),
    Operation("PUT", _USER, "changeUser", users.change, 200, "User", UserBody),
    Operation("POST", _USER + "/approve", "approveUser", users.approve, 200, "User"),
    Operation("POST", _USER + "/reject", "rejectUser", users.reject, 204),
    Operation("POST", _USER + "/remove-passkeys", "removePasskeys", users.remove_passkeys, 204),
    Operation("GET", "/me", "getMe", me.show, 200, "Me"),
    Operation("GET", _EMAIL, "getEmail", me.email, 200, "Email"),
    Operation("PUT", _EMAIL, "saveEmail", me.save_email, 200, "Email", EmailBody),
    Operation("DELETE", _EMAIL, "deleteEmail", me.delete_email, 204),
    Operation("GET", "/teams", "listTeams", teams.listing, 200, "TeamList", query=("limit", "offset")),
    Operation("POST", "/teams", "createTeam", teams.create, 201, "Team", TeamBody),
    Operation("GET", _TEAM, "getTeam", teams.show, 200, "Team"),
    Operation("PUT", _TEAM, "changeTeam", teams.change, 200, "Team", TeamBody),
    Operation("DELETE", _TEAM, "deleteTeam", teams.delete, 204),
    Operation("POST", _TEAM + "/members", "addMember", teams.add_member, 200, "Team", MemberBody),
    Operation("PUT", _MEMBER, "changeMember", teams.change_member, 200, "Team", MemberRoleBody),
    Operation("DELETE", _MEMBER, "removeMember", teams.remove_member, 204),
    Operation("POST", _TEAM + "/invitations", "inviteMember", teams.invite, 201, "Invitation"),
)
