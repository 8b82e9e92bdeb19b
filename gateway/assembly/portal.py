"""Builds the developer portal. Imported only if it is enabled, as it is slow to import."""

from __future__ import annotations

import secrets
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from aiohttp import web

from gateway.accounts.activity import Activity
from gateway.accounts.applications import Applications
from gateway.accounts.call_reports import CallReports
from gateway.accounts.clients import Clients
from gateway.accounts.file_users import FileUsers
from gateway.accounts.invitations import Invitations, TeamInvitations
from gateway.accounts.limits_left import ReadLimits
from gateway.accounts.passwords import Passwords
from gateway.accounts.registry import ClientRegistry
from gateway.accounts.sign_ups import SignUpLimiter
from gateway.accounts.teams import Teams
from gateway.accounts.usage import UsageCounter
from gateway.accounts.usage_reports import UsageReports
from gateway.accounts.users import UserAuthentication, Users
from gateway.apidocs.document import MAX_BYTES, OpenApiError, parse_document
from gateway.assembly.application_webhooks import application_webhooks
from gateway.assembly.brute_force import attempt_limiter
from gateway.assembly.portal_passkeys import passkey_services
from gateway.assembly.portal_provider import provider_https, provider_infos, provider_services
from gateway.assembly.refusal_log import find_refusal
from gateway.assembly.subscriptions import developer_scopes, subscriptions
from gateway.assembly.tokens import configured_keys
from gateway.assembly.user_mails import own_catalogues, user_mails
from gateway.clock import Clock
from gateway.config.colours import DARK_PAGES, LIGHT_PAGES, mixed, readable
from gateway.config.images import IMAGE_TYPES
from gateway.config.model import Settings
from gateway.config.portal import page_name
from gateway.config.portal_brand import PortalBrand
from gateway.config.routes import RouteSettings
from gateway.errors import StartError
from gateway.issuers.aiohttp_client import AiohttpClient
from gateway.oauth.token_encryption import TokenCipher
from gateway.oauth_flows.portal_tokens import PortalTokens
from gateway.oauth_flows.token import TokenServices
from gateway.portal.api.site import MOUNT as API
from gateway.portal.api.site import api_app
from gateway.portal.api_documents import ApiDocuments, DescribedApi, named
from gateway.portal.brand import Brand, BrandColours, branded
from gateway.portal.csrf import CsrfToken
from gateway.portal.drafts import DRAFT_PURPOSE, Drafts
from gateway.portal.guides import IMAGES, Guide, GuideSource, guides
from gateway.portal.operator_file import OperatorFile
from gateway.portal.services import (
    Api,
    PortalInfo,
    PortalServices,
    RefusedCall,
    SignUp,
    SubscribableApi,
    ThrottlingPolicy,
)
from gateway.portal.shown_once import PURPOSE, ShownOnce
from gateway.portal.site import MOUNT as PAGES
from gateway.portal.site import portal_app
from gateway.store import Store
from gateway.store.sessions import SessionFacts, session_key
from gateway.tokens.token_lookup import TokenLookup
from gateway.tokens.token_validator import TokenValidator
from gateway.translation.catalogue import Catalogues, languages

WHITE, BLACK = "#ffffff", "#000000"
HOVER = 0.25
"""The share of black or white in the accent colour of what the pointer is on."""
DOCUMENT_TIMEOUT = 5.0
"""Seconds in which an OpenAPI document must come."""


def portal(
    settings: Settings,
    file_users: FileUsers,
    store: Store,
    clients: Clients,
    token_validator: TokenValidator,
    tokens: TokenServices,
    token_lookup: TokenLookup,
    tally: UsageCounter,
    passwords: Passwords,
    read_limits: ReadLimits,
    clock: Clock,
) -> dict[str, web.Application]:
    """The portal's aiohttp applications by mount path."""
    info = _with_files(portal_info(settings), settings)
    https = provider_https(settings)
    keys = configured_keys(settings)
    users = Users(file_users, store.users, passwords, clock)
    registry = ClientRegistry(store.clients, store.tokens, clock, secrets.token_bytes)
    services = PortalServices(
        facts=info,
        users=users,
        authentication=UserAuthentication(users, attempt_limiter("portal", settings, store), store.changes),
        sign_ups=SignUpLimiter(store.attempts),
        invitations=Invitations(store.invitations, secrets.token_bytes),
        applications=Applications(store.applications, store.clients, registry, users, store.teams, clock),
        teams=Teams(store.teams, store.applications, users, clock),
        team_invitations=TeamInvitations(store.invitations, secrets.token_bytes),
        subscriptions=subscriptions(settings, store, clock),
        registry=registry,
        tokens=PortalTokens(tokens, token_lookup, clock, tally),
        reports=UsageReports(store.usage, store.registered_users, clock),
        clients=clients,
        key_uses=store.key_uses,
        calls=store.calls,
        call_reports=CallReports(store.calls, clock),
        activity=Activity(store.activity, clock),
        limits_left=read_limits,
        find_token=token_validator.resolve,
        find_refusal=partial(_refused_call, store, clock),
        csrf=CsrfToken(keys.derive("portal forms"), secure=info.secure),
        documents=ApiDocuments(described_apis(settings, info), _fetch),
        sessions=store.sessions,
        session_key=lambda session_id: "" if session_id is None else session_key(session_id),
        drafts=Drafts(TokenCipher(keys.derive(DRAFT_PURPOSE), secrets.token_bytes), secure=info.secure),
        shown_once=ShownOnce(TokenCipher(keys.derive(PURPOSE), secrets.token_bytes), secure=info.secure),
        body_timeout=settings.server.timeouts.body,
        clock=clock,
        ask_store=store.ping,
        all_passkeys=store.passkeys,
        passkeys=passkey_services(settings, info, users, store, clock) if info.passkeys else None,
        providers=provider_services(settings, info, https, users, store, keys, clock),
        catalogues=Catalogues(own_catalogues(settings)),
        webhooks=application_webhooks(settings, store, clock),
        mails=user_mails(settings, store, clock),
    )
    pages = portal_app(services, store.sessions, partial(_note_session, store))
    for one in https.values():
        pages.on_cleanup.append(partial(_stop, one))
    return {API: api_app(services), PAGES: pages}


async def _stop(http: AiohttpClient, _: web.Application) -> None:
    await http.stop()


async def _note_session(
    store: Store,
    user_id: str,
    session_id: str,
    since: int,
    seen: int,
    address: str,
    agent: str,
    lifetime: int,
) -> None:
    await store.sessions.note(user_id, session_id, SessionFacts(since, seen, address, agent), lifetime)


def _sign_up(configured: bool | Literal["approval", "invitation"]) -> SignUp:
    if isinstance(configured, bool):
        return "open" if configured else ""
    return configured


async def _refused_call(store: Store, clock: Clock, request_id: str) -> RefusedCall | None:
    found = await find_refusal(store.refusals, request_id, clock)
    if found is None:
        return None
    return RefusedCall(
        found.time,
        f"{found.method} {found.path}",
        found.status,
        found.code,
        found.detail,
        found.route,
        found.client,
        found.scopes_needed,
        found.scopes_had,
    )


def described_apis(settings: Settings, info: PortalInfo) -> tuple[DescribedApi, ...]:
    """The APIs with their documents, as far as they are files. Raises StartError."""
    routes = [route for route in settings.routes if route.enabled]
    return named([_described(route, api) for route, api in zip(routes, info.apis, strict=True)])


def _described(route: RouteSettings, api: Api) -> DescribedApi:
    docs = route.docs
    if docs is None:
        return DescribedApi("", api, "", "", "", None)
    place = docs.openapi
    if not isinstance(place, Path):
        return DescribedApi("", api, docs.title, docs.summary, docs.group, None, place or "")
    try:
        document = parse_document(place.read_bytes())
    except (OSError, OpenApiError) as error:
        raise StartError(f"the OpenAPI document {place} can't be used: {error}") from error
    return DescribedApi("", api, docs.title, docs.summary, docs.group, document)


def _fetch(url: str) -> Coroutine[None, None, bytes]:
    """What is at a public https URL: the same rule as for keys that clients register."""
    client = AiohttpClient(DOCUMENT_TIMEOUT, most_bytes=MAX_BYTES, public_only=True)

    async def fetched() -> bytes:
        try:
            return await client.get(url)
        finally:
            await client.stop()

    return fetched()


def portal_info(settings: Settings) -> PortalInfo:
    """The configuration values that the portal displays."""
    apis = tuple(
        Api(
            path=route.path,
            exact=route.match == "exact",
            methods=tuple(route.methods or ()),
            host=route.host,
            scopes=tuple(route.scopes),
            audience=route.audience,
            protected=route.auth == "bearer",
            strips=route.strips,
            subscription=route.api_name if route.access == "request" else "",
        )
        for route in settings.routes
        if route.enabled
    )
    return PortalInfo(
        public_url=settings.server.public_url,
        self_signed=any(listener.tls == "auto" for listener in settings.server.for_clients),
        sign_up=_sign_up(settings.portal.sign_up),
        grants=tuple(name for name, grant in settings.grants.items() if grant.enabled),
        scopes=developer_scopes(settings),
        default_scopes=tuple(settings.scopes.default),
        application_scope=settings.scopes.application,
        token_path=settings.server.endpoints.token[0],
        revoke_path=settings.server.endpoints.revoke[0],
        lifetime=settings.tokens.lifetime,
        max_lifetime=settings.tokens.max_lifetime,
        apis=apis,
        tiers=tuple(settings.tiers),
        policies=tuple(
            ThrottlingPolicy(name, one.limit, one.per, one.burst) for name, one in settings.tiers.items()
        ),
        developer_tiers=tuple(settings.portal.tiers),
        subscribable=_subscribable(settings),
        providers=provider_infos(settings),
        passkeys=settings.portal.passkeys,
        webhooks=settings.portal.webhooks,
        mails=settings.portal.mail is not None,
        recent_calls=settings.portal.recent_calls,
    )


def _with_files(info: PortalInfo, settings: Settings) -> PortalInfo:
    """The same with what the operator's own files say. Raises StartError."""
    images = _images(settings.portal.images)
    return replace(
        info,
        guides=_guides(settings, {path: f"{IMAGES}/{name}" for path, (name, _) in images.items()}),
        guide_images=dict(images.values()),
        brand=_brand(settings.portal.brand),
        languages=languages(settings.portal.languages, own_catalogues(settings)),
    )


def _brand(settings: PortalBrand) -> Brand:
    """The portal's name and colours. Raises StartError."""
    logo = None if settings.logo is None else _image(settings.logo, "portal.brand.logo")
    names = (settings.name or "", settings.support or "", settings.terms or "")
    return branded(*names, logo, _colours(settings))


def _colours(settings: PortalBrand) -> tuple[BrandColours, BrandColours] | None:
    if settings.accent is None and settings.accent_dark is None:
        return None
    light = settings.accent or readable(settings.accent_dark or WHITE, LIGHT_PAGES)
    dark = settings.accent_dark or readable(light, DARK_PAGES)
    return (
        # Whatever can be read on white, white can be read on.
        BrandColours(light, mixed(light, BLACK, HOVER), WHITE),
        BrandColours(dark, mixed(dark, WHITE, HOVER), BLACK),
    )


def _images(paths: Sequence[Path]) -> dict[str, tuple[str, OperatorFile]]:
    """The images of the operator's pages, by their paths, with their names in URLs. Raises StartError."""
    found = {}
    for path in paths:
        image = _image(path, "portal.images")
        found[path.as_posix()] = (f"{image.tag}{path.suffix.lower()}", image)
    return found


def _image(path: Path, key: str) -> OperatorFile:
    try:
        return OperatorFile(IMAGE_TYPES[path.suffix.lower()], path.read_bytes())
    except OSError as error:
        raise StartError(f"{key} can't be read: {error.strerror}") from error


def _guides(settings: Settings, images: Mapping[str, str]) -> tuple[Guide, ...]:
    """The operator's pages. Raises StartError."""
    if not settings.portal.pages:
        return ()
    try:
        sources = [
            GuideSource(page_name(file), file.as_posix(), file.read_bytes().decode())
            for file in settings.portal.pages
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"portal.pages can't be read: {error}") from error
    return guides(sources, images)


def _subscribable(settings: Settings) -> tuple[SubscribableApi, ...]:
    """The APIs that need a subscription, by name."""
    by_name: dict[str, list[RouteSettings]] = {}
    for route in settings.routes:
        if route.enabled and route.access == "request":
            by_name.setdefault(route.api_name, []).append(route)
    return tuple(
        SubscribableApi(
            name,
            next((one.docs.summary for one in found if one.docs is not None and one.docs.summary), ""),
            tuple(dict.fromkeys(scope for one in found for scope in one.every_scope)),
            tuple(dict.fromkeys(f"{one.host or ''}{one.path}" for one in found)),
        )
        for name, found in sorted(by_name.items(), key=lambda item: item[0].lower())
    )
