"""The secrets of a pair of keys, as programs list, make and end them."""

from __future__ import annotations

import hashlib

from aiohttp import web

from gateway.accounts.registry import SecretRefused
from gateway.http.problems import Problem
from gateway.portal.api.api_request import CONFLICT, NOT_FOUND, Call
from gateway.portal.api.request_bodies import GenerateSecretBody, RegenerateSecretBody, RevokeSecretBody
from gateway.portal.api.responses import answer, secret_shape


async def listing(call: Call) -> web.Response:
    """The secrets of keys, without the secrets themselves."""
    _, _, client = await call.keys()
    found = [secret_shape(one) for one in client.secrets]
    return answer({"count": len(found), "list": found})


async def generate(call: Call) -> web.Response:
    """One more secret, beside those there are. It is shown now and never again."""
    (_, _, client), body = await call.keys(), await call.body(GenerateSecretBody)
    wanted = body.additionalProperties
    expires = None if wanted.expiresIn is None else int(call.services.clock()) + wanted.expiresIn
    try:
        text = await call.services.registry.add_secret(client.id, wanted.description or "", expires)
    except SecretRefused as error:
        raise Problem(CONFLICT, str(error)) from None
    _, _, client = await call.keys()
    digest = hashlib.sha256(text.encode()).digest()
    made = [secret_shape(one) for one in client.secrets if one.digest == digest]
    if not made:
        # Somebody else was quick to end it.
        raise Problem(CONFLICT)
    return answer(made[0] | {"secretValue": text})


async def revoke(call: Call) -> web.Response:
    """Ends one secret at once. Tokens that it was used for live on."""
    (_, _, client), body = await call.keys(), await call.body(RevokeSecretBody)
    try:
        await call.services.registry.remove_secret(client.id, body.secretId)
    except SecretRefused as error:
        raise Problem(NOT_FOUND, str(error)) from None
    return web.Response(status=204)


async def regenerate(call: Call) -> web.Response:
    """A new secret; those before it are refused, after the grace that was asked for."""
    (_, _, client), body = await call.keys(), await call.body(RegenerateSecretBody)
    secret = await call.services.registry.rotate_secret(client.id, body.gracePeriod)
    return answer({"consumerKey": client.id, "consumerSecret": secret})
