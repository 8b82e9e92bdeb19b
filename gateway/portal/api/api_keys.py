"""API keys of a pair of keys, as programs list, make and end them."""

from __future__ import annotations

from aiohttp import web

from gateway.accounts.registry import SecretRefused
from gateway.http.problems import Problem
from gateway.oauth.api_keys import SHOWN
from gateway.portal.api.api_request import CONFLICT, NOT_FOUND, Call
from gateway.portal.api.request_bodies import GenerateApiKeyBody, RevokeApiKeyBody
from gateway.portal.api.responses import answer, api_key_shape


async def listing(call: Call) -> web.Response:
    """The API keys of keys, without the keys themselves, and their last use."""
    _, _, client = await call.keys()
    uses = await call.services.key_uses.read(client.id, [one.prefix for one in client.api_keys])
    found = [api_key_shape(one, uses.get(one.prefix)) for one in client.api_keys]
    return answer({"count": len(found), "list": found})


async def generate(call: Call) -> web.Response:
    """One more API key. It is shown now and never again."""
    (_, _, client), body = await call.keys(), await call.body(GenerateApiKeyBody)
    expires = None if body.validityPeriod is None else int(call.services.clock()) + body.validityPeriod
    try:
        key = await call.services.registry.add_api_key(client.id, body.keyName or "", expires)
    except SecretRefused as error:
        raise Problem(CONFLICT, str(error)) from None
    return answer({"apikey": key, "prefix": key[:SHOWN], "validityTime": body.validityPeriod})


async def revoke(call: Call) -> web.Response:
    """Ends one API key at once."""
    (_, _, client), body = await call.keys(), await call.body(RevokeApiKeyBody)
    try:
        await call.services.registry.remove_api_key(client.id, body.prefix)
    except SecretRefused as error:
        raise Problem(NOT_FOUND, str(error)) from None
    return web.Response(status=204)
