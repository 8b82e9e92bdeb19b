"""Keys and tokens, as programs make and change them."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from gateway.accounts.applications import KeySettings
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.oauth.application import ENVIRONMENTS, Environment
from gateway.oauth.client_auth import secret_matches
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client
from gateway.oauth_flows.portal_tokens import GRANT
from gateway.portal.api.api_request import Call
from gateway.portal.api.request_bodies import (
    GenerateKeysBody,
    GenerateTokenBody,
    KeysBody,
    Lifetime,
)
from gateway.portal.api.responses import answer, keys_shape, token_shape
from gateway.portal.form_rules import KeyForm, key_form_of, with_problems
from gateway.portal.versions import keys_check, keys_version
from gateway.tokens.token_issuer import TokenResponse

NAMES = {
    "grant": "grantTypes",
    "scope": "scopes",
    "audience": "audiences",
    "lifetime": "validityTime",
    "format": "tokenFormat",
    "auth": "tokenEndpointAuthMethod",
}


async def generate(call: Call) -> web.Response:
    """New keys, with their secret and, where they may have one, a first token."""
    application, body = await call.application(), await call.body(GenerateKeysBody)
    environment: Environment = "production" if body.keyType == "PRODUCTION" else "sandbox"
    subscribed = application.subscribed_scopes
    usual = tuple(dict.fromkeys((*call.services.facts.scopes, *subscribed)))
    scopes = usual if body.scopes is None else _asked(call, body.scopes)
    form = KeyForm(
        tuple(body.grantTypesToBeSupported),
        scopes,
        "",
        tuple(body.audiences or ()),
        _text(body.validityTime),
        body.tokenFormat or "",
        body.tokenEndpointAuthMethod or "",
    )
    settings = _settings(call, form, None, subscribed)
    client, secret = await call.services.applications.generate_keys(application, environment, settings)
    shape = keys_shape(client, environment, secret)
    if GRANT in client.grants:
        shape["token"] = token_shape(await call.services.tokens.generate(client, (), ""))
    return answer(shape)


async def listing(call: Call) -> web.Response:
    """All keys of an application."""
    application = await call.application()
    found = []
    for environment in ENVIRONMENTS:
        client = await call.services.applications.client(application, environment)
        found += [keys_shape(client, environment)] if client is not None else []
    return answer({"count": len(found), "list": found})


async def show(call: Call) -> web.Response:
    """One pair of keys."""
    _, environment, client = await call.keys()
    return answer(keys_shape(client, environment), ETag=keys_version(client))


async def change(call: Call) -> web.Response:
    """Changes what keys may do."""
    (application, environment, client), body = await call.keys(), await call.body(KeysBody)
    form, given = key_form_of(client, call.services.facts), body.model_fields_set
    form = replace(
        form,
        grants=tuple(sorted(client.grants) if body.supportedGrantTypes is None else body.supportedGrantTypes),
        scopes=client.scopes if body.scopes is None else _asked(call, body.scopes),
        audiences=client.audiences if body.audiences is None else tuple(body.audiences),
        lifetime=_text(body.validityTime) if "validityTime" in given else form.lifetime,
        format=(body.tokenFormat or "") if "tokenFormat" in given else form.format,
        auth=(body.tokenEndpointAuthMethod or "") if "tokenEndpointAuthMethod" in given else form.auth,
    )
    settings = _settings(call, form, client, application.subscribed_scopes)
    changed = await call.services.applications.configure(client, settings, keys_check(call.if_match))
    if body.enabled is not None and body.enabled != changed.enabled:
        switch = call.services.registry.enable if body.enabled else call.services.registry.disable
        await switch(client.id)
        changed = replace(changed, enabled=body.enabled)
    return answer(keys_shape(changed, environment), ETag=keys_version(changed))


async def clean_up(call: Call) -> web.Response:
    """Removes keys and ends their tokens."""
    application, environment, _ = await call.keys()
    await call.services.applications.clean_up(application, environment)
    return web.Response(status=204)


async def generate_token(call: Call) -> web.Response:
    """A token; one that is named is revoked before."""
    (_, _, client), body = await call.keys(), await call.body(GenerateTokenBody)
    if body.consumerSecret is not None and not secret_matches(
        client, body.consumerSecret, call.services.clock()
    ):
        raise Problem(BAD_REQUEST, "consumerSecret is not one of these keys.")
    token = await _issued(call, client, body)
    if body.revokeToken:
        await call.services.tokens.revoke(client, body.revokeToken)
    return answer(token_shape(token))


async def _issued(call: Call, client: Client, body: GenerateTokenBody) -> TokenResponse:
    validity = "" if body.validityPeriod is None else str(body.validityPeriod)
    if body.revokeToken and not validity:
        # Else the token that is to end could be given out again.
        lifetimes = client.lifetime or call.services.facts.lifetime
        validity = str(min(lifetimes, call.services.facts.max_lifetime))
    try:
        return await call.services.tokens.generate(client, tuple(body.scopes), validity)
    except OAuthError as error:
        raise Problem(BAD_REQUEST, error.description) from None


def _asked(call: Call, scopes: list[str]) -> tuple[str, ...]:
    """What is asked for beside that which all keys have."""
    facts = call.services.facts
    return tuple(one for one in scopes if one not in (*facts.default_scopes, facts.application_scope))


def _text(lifetime: Lifetime | int | None) -> str:
    return "" if lifetime is None else str(lifetime)


def _settings(call: Call, form: KeyForm, client: Client | None, subscribed: tuple[str, ...]) -> KeySettings:
    problems = with_problems(form, call.services.facts, call.user, client, subscribed).problems
    for name, text in problems.items():
        raise Problem(BAD_REQUEST, f"{NAMES[name]}: {text}")
    return form.settings
