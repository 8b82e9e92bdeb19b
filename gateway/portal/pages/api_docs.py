"""The documentation of one API: its operations, each with a form that calls it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.apidocs.operations import (
    OperationDetails,
    description_of,
    details,
    version_of,
)
from gateway.oauth.application import ENVIRONMENTS
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import Client
from gateway.portal.api_documents import DescribedApi, ServedOperation, served_operations, whole_document
from gateway.portal.first_call import api_url, by_form, example_path, grant_of, sample_token
from gateway.portal.page_request import PageNotFound, PageRequest, redirect_to
from gateway.portal.samples.programs import SampleCall, samples
from gateway.portal.services import MANAGE
from gateway.translation.text import gettext, translations

ROOT = "/portal/apis"
MOST_KEYS = 100
"""Keys that can be chosen."""


async def show(page_request: PageRequest) -> web.StreamResponse:
    """The operations, by tag."""
    described = await _described(page_request)
    wanted = page_request.searched
    facts = page_request.services.facts
    operations = [
        one
        for one in served_operations(described, facts)
        if wanted in f"{one.operation.method} {one.path} {one.operation.summary} {one.operation.tag}".lower()
    ]
    # What has no tag stands at the end, as APIs without a group do.
    tags = sorted(dict.fromkeys(one.operation.tag for one in operations), key=lambda tag: not tag)
    document = described.document
    return page_request.page(
        "api.html",
        described=described,
        tags=[(tag, [one for one in operations if one.operation.tag == tag]) for tag in tags],
        search=wanted,
        text=description_of(document) if document else "",
        version=version_of(document) if document else "",
    )


async def download(page_request: PageRequest) -> web.StreamResponse:
    """The document for tools, with the gateway's address and security schemes."""
    described = await _described(page_request)
    if described.document is None:
        raise PageNotFound
    facts = page_request.services.facts
    document = whole_document(described, facts, api_url(facts, described.api.host, ""))
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    headers = {"Content-Disposition": f'attachment; filename="{described.name}.openapi.json"'}
    return web.Response(text=text, content_type="application/json", headers=headers)


async def operation(page_request: PageRequest) -> web.StreamResponse:
    """One operation."""
    return await _operation_page(page_request)


async def token(page_request: PageRequest) -> web.StreamResponse:
    """A token of one of the developer's own keys, with all their scopes, for the forms of all operations."""
    described, served = await _served(page_request)
    fields = await page_request.fields()
    client, label = await _own_keys(page_request, fields.raw("keys"))
    scopes = tuple(scope for scope in client.scopes if scope != MANAGE)
    try:
        made = await page_request.services.tokens.generate(client, scopes, "")
    except OAuthError as error:
        return await _operation_page(
            page_request, 422, problems={"keys": translations().gettext(error.description)}
        )
    ends = int(page_request.services.clock()) + made.expires_in
    shown = {
        "access_token": made.access_token,
        "scope": made.scope,
        "ends": ends,
        "key": client.id,
        "label": label,
    }
    response = redirect_to(f"{ROOT}/{described.name}/{served.operation.name}", "token")
    response.headers["Location"] += "#try"
    if page_request.keep(response, "token", ROOT, shown):
        return response
    return await _operation_page(page_request, token=shown, done="token")


async def back(page_request: PageRequest) -> web.StreamResponse:
    """For who reloads the answer to the form."""
    described, served = await _served(page_request)
    return redirect_to(f"{ROOT}/{described.name}/{served.operation.name}")


async def _described(page_request: PageRequest) -> DescribedApi:
    _ = page_request.user
    name = page_request.request.match_info["api"]
    found: DescribedApi | None = await page_request.services.documents.find(name)
    if found is None or not found.documented:
        raise PageNotFound
    return found


async def _served(page_request: PageRequest) -> tuple[DescribedApi, ServedOperation]:
    described = await _described(page_request)
    name = page_request.request.match_info["operation"]
    for one in served_operations(described, page_request.services.facts):
        if one.operation.name == name:
            return described, one
    raise PageNotFound


async def _operation_page(
    page_request: PageRequest, status: int = 200, **content: object
) -> web.StreamResponse:
    described, served = await _served(page_request)
    found = details(described.document or {}, served.operation)
    shown: dict[str, Any] = {
        "token": page_request.kept("token", ROOT) if served.api.protected else None,
        "problems": {},
        **content,
    }
    token = shown["token"]
    had = str(token["scope"]).split() if token else []
    keys = await _choices(page_request) if served.api.protected else []
    chosen = str(token["key"]) if token else keys[0][0] if keys else ""
    client = await _client(page_request, chosen)
    return page_request.page(
        "operation.html",
        status,
        described=described,
        served=served,
        details=found,
        keys=keys,
        missing=[scope for scope in served.api.scopes if token and scope not in had],
        programs=_programs(page_request, served, found, client),
        grant=_grant(page_request, client),
        **shown,
    )


async def _choices(page_request: PageRequest) -> list[tuple[str, str]]:
    """The developer's own keys: id and label."""
    applications = await page_request.services.applications.search(page_request.user)
    found = [
        (client_id, f"{one.name} ({environment})")
        for one in applications
        for environment in ENVIRONMENTS
        if (client_id := one.client_id(environment)) is not None
    ]
    return found[:MOST_KEYS]


async def _own_keys(page_request: PageRequest, wanted: str) -> tuple[Client, str]:
    services = page_request.services
    for one in await services.applications.search(page_request.user):
        for environment in ENVIRONMENTS:
            if wanted and one.client_id(environment) == wanted:
                client = await services.applications.client(one, environment)
                if client is not None:
                    return client, f"{one.name} ({environment})"
    raise PageNotFound


async def _client(page_request: PageRequest, wanted: str) -> Client | None:
    """The keys that are chosen; None: there are none, or they have been removed."""
    try:
        client, _ = await _own_keys(page_request, wanted)
    except PageNotFound:
        return None
    return client


def _grant(page_request: PageRequest, client: Client | None) -> str:
    grant = "" if client is None else grant_of(page_request.services.facts, client)
    return grant or "client_credentials"


def _programs(
    page_request: PageRequest, served: ServedOperation, found: OperationDetails, client: Client | None
) -> dict[str, str]:
    facts, api = page_request.services.facts, served.api
    path = served.path
    for one in found.parameters:
        if one.place == "path":
            path = path.replace("{" + one.name + "}", quote(one.example or "1", safe=""))
    query = urlencode([(one.name, one.example) for one in found.parameters if _sent(one, "query")])
    headers = [(one.name, one.example) for one in found.parameters if _sent(one, "header")]
    method = served.operation.method
    # RFC 9110 sections 9.3.1 and 9.3.2: with these a body means nothing, and browsers and Node refuse it.
    body = found.bodies[0] if found.bodies and method not in ("GET", "HEAD") else None
    if body is not None:
        headers.append(("Content-Type", body.media_type))
    url = api_url(facts, api.host, example_path(path)) + (f"?{query}" if query else "")
    token = None
    if api.protected:
        key = gettext("the consumer key") if client is None else client.id
        in_form = client is not None and by_form(client)
        token = sample_token(facts, key, None, _grant(page_request, client), api.scopes, in_form=in_form)
    call = SampleCall(method, url, tuple(headers), None if body is None else body.example)
    return samples(token, call, self_signed=facts.self_signed)


def _sent(parameter: Any, place: str) -> bool:
    return parameter.place == place and bool(parameter.required and parameter.example)
