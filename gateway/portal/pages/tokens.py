"""Tokens made and ended by hand."""

from __future__ import annotations

from aiohttp import web

from gateway.oauth.errors import OAuthError
from gateway.portal.pages.keys import the_bench
from gateway.portal.rules import lifetime_problem
from gateway.portal.visit import Visit


async def generate(visit: Visit) -> web.StreamResponse:
    """A token, shown now and never again."""
    bench = await the_bench(visit)
    fields = await visit.fields()
    scopes, validity = fields.ticked("scope"), fields.text("validity")
    problems = {"validity": lifetime_problem(validity, visit.desk.facts.max_lifetime)}
    if not problems["validity"]:
        try:
            token = await visit.desk.tokens.generate(bench.keys, scopes, validity)
        except OAuthError as error:
            problems["token"] = error.description
        else:
            return bench.page(token=token, done="token", ticked=scopes, validity=validity)
    return bench.page(422, problems=problems, ticked=scopes, validity=validity)


async def revoke(visit: Visit) -> web.StreamResponse:
    """Ends the token that was pasted."""
    bench = await the_bench(visit)
    fields = await visit.fields()
    given = fields.text("token")
    if not given:
        return bench.page(422, problems={"revoke": "Paste the token that is to end."})
    if await visit.desk.tokens.revoke(bench.keys, given):
        return bench.done("revoked")
    return bench.page(422, problems={"revoke": "These keys have no such live token: nothing was to be done."})


async def revoke_all(visit: Visit) -> web.StreamResponse:
    """Ends every token of these keys."""
    bench = await the_bench(visit)
    await visit.fields()
    await visit.desk.registry.revoke_tokens(bench.keys.id)
    return bench.done("revoked-all")
