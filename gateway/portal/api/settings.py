"""What the portal offers, as programs find it out: its settings and its throttling policies."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.http.problems import Problem
from gateway.portal.api.api_request import NOT_FOUND, Call
from gateway.portal.api.paging import paged
from gateway.portal.api.responses import answer, policy_shape
from gateway.portal.form_rules import LONGEST_PASSWORD, SHORTEST_PASSWORD, offered_tiers
from gateway.portal.services import MANAGE

LEVELS = ("application", "subscription")
"""What a policy can be chosen for."""


async def show(call: Call) -> web.Response:
    """What this portal offers."""
    facts = call.services.facts
    return answer(
        {
            "grantTypes": list(facts.grants),
            "scopes": [MANAGE],
            "apiGatewayEndpoint": facts.public_url,
            "applicationSharingEnabled": True,
            "mapExistingAuthApps": False,
            "monetizationEnabled": False,
            "recommendationEnabled": False,
            "IsUnlimitedTierPaid": False,
            "IsAnonymousModeEnabled": False,
            "IsPasswordChangeEnabled": True,
            "identityProvider": {"external": bool(facts.providers)},
            "passwordPolicyMinLength": SHORTEST_PASSWORD,
            "passwordPolicyMaxLength": LONGEST_PASSWORD,
        }
    )


async def policies(call: Call) -> web.Response:
    """The throttling policies that the caller may choose."""
    return paged(call, _policies(call), dict)


async def policy(call: Call) -> web.Response:
    """One throttling policy."""
    wanted = call.request.match_info["policyId"]
    found = next((one for one in _policies(call) if one["name"] == wanted), None)
    if found is None:
        raise Problem(NOT_FOUND)
    return answer(found)


def _policies(call: Call) -> list[dict[str, Any]]:
    level, facts = call.request.match_info["policyLevel"], call.services.facts
    if level not in LEVELS:
        raise Problem(NOT_FOUND)
    offered = offered_tiers(facts, call.user)
    return [policy_shape(one, level) for one in facts.policies if one.name in offered]
