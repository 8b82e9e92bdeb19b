"""The secrets of a pair of keys, as programs list, make and end them."""

from __future__ import annotations

import hashlib

from aiohttp import web

from gateway.accounts.registry import SecretRefused
from gateway.faults import Fault
from gateway.portal.api.answers import answer, secret_shape
from gateway.portal.api.bodies import GenerateSecretBody, RegenerateSecretBody, RevokeSecretBody
from gateway.portal.api.request import CONFLICT, NOT_FOUND, Call


async def listing(call: Call) -> web.Response:
    """The secrets of keys, without the secrets themselves."""
    _, _, client = await call.keys()
    found = [secret_shape(one) for one in client.secrets]
    return answer({"count": len(found), "list": found})


async def generate(call: Call) -> web.Response:
    """One more secret, beside those there are. It is shown now and never again."""
    (_, _, client), body = await call.keys(), await call.body(GenerateSecretBody)
    wanted = body.additionalProperties
    expires = None if wanted.expiresIn is None else int(call.desk.clock()) + wanted.expiresIn
    try:
        text = await call.desk.registry.add_secret(client.id, wanted.description or "", expires)
    except SecretRefused as error:
        raise Fault(CONFLICT, str(error)) from None
    _, _, client = await call.keys()
    digest = hashlib.sha256(text.encode()).digest()
    made = [secret_shape(one) for one in client.secrets if one.digest == digest]
    if not made:
        # Somebody else was quick to end it.
        raise Fault(CONFLICT)
    return answer(made[0] | {"secretValue": text})


async def revoke(call: Call) -> web.Response:
    """Ends one secret at once. Tokens that it was used for live on."""
    (_, _, client), body = await call.keys(), await call.body(RevokeSecretBody)
    try:
        await call.desk.registry.remove_secret(client.id, body.secretId)
    except SecretRefused as error:
        raise Fault(NOT_FOUND, str(error)) from None
    return web.Response(status=204)


async def regenerate(call: Call) -> web.Response:
    """A new secret; those before it are refused, after the grace that was asked for."""
    (_, _, client), body = await call.keys(), await call.body(RegenerateSecretBody)
    secret = await call.desk.registry.rotate_secret(client.id, body.gracePeriod)
    return answer({"consumerKey": client.id, "consumerSecret": secret})
