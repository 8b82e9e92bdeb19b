"""Checks and output shared by the client commands."""

from __future__ import annotations

import json
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.accounts.registry import ClientRegistry
from gateway.assembly.clients import file_clients, jwks_of
from gateway.clock import system_clock
from gateway.commands.client_credentials import credential_problems
from gateway.commands.client_fields import written
from gateway.config.addresses import check_absolute_uri
from gateway.config.model import Settings
from gateway.config.value_types import check_client_id
from gateway.errors import StartError
from gateway.oauth.client_auth import methods_of
from gateway.oauth.model import Client, Secret
from gateway.oauth.scope import is_scope
from gateway.store import Store

WRONG_WORDS = 2
"""The status where what was given can't be: as of any other usage error."""
FURTHER = (
    "default_scopes",
    "claims",
    "networks",
    "jwks_uri",
    "assertion_audience",
    "trust",
    "exchange",
    "subscriptions",
)


def reject_new_client(client: Client, settings: Settings) -> None:
    """Exits with status 2 if what was given of a new client is malformed, with 1 if its id is taken."""
    try:
        check_client_id(client.id)
    except ValueError as error:
        exit_with_error(f"the id {error}", WRONG_WORDS)
    exit_with_error(_taken(client.id, settings))
    reject_fields(client, settings)


def reject_fields(client: Client, settings: Settings) -> None:
    """Exits with status 2 if the file could not say the same of a client."""
    exit_with_error(_field_problem(client, settings), WRONG_WORDS)


def _field_problem(client: Client, settings: Settings) -> str | None:
    if unknown := sorted(client.grants - settings.grants.keys()):
        return f"there is no grant {unknown[0]!r}; there are {', '.join(sorted(settings.grants))}"
    if client.tier is not None and client.tier not in settings.tiers:
        return f"there is no tier {client.tier!r}; there are {', '.join(sorted(settings.tiers)) or 'none'}"
    if wrong := [scope for scope in client.scopes if not is_scope(scope)]:
        return f"{wrong[0]!r} is not a valid scope"
    for audience in client.audiences:
        try:
            check_absolute_uri(audience)
        except ValueError as error:
            return f"the audience {audience!r} {error}"
    if client.lifetime is not None and client.lifetime > settings.tokens.max_lifetime:
        return f"the lifetime exceeds tokens.max_lifetime ({settings.tokens.max_lifetime} seconds)"
    return next(credential_problems(client), None)


def _taken(client_id: str, settings: Settings) -> str | None:
    if configured(settings, client_id):
        return f"the client {client_id!r} is defined in gateway.yaml"
    issuer, colon, _ = client_id.partition(":")
    if colon and issuer in settings.issuers:
        return f"the id {client_id!r} is reserved for clients of the issuer {issuer}"
    if any(user.name.lower() == client_id.lower() for user in settings.portal.users):
        # RFC 9700 section 4.15: a client_id must not collide with a user's `sub`.
        return f"a user has the name {client_id!r}"
    return None


def described(client: Client) -> dict[str, Any]:
    """The client as a JSON object, without its secrets."""
    return {
        "client_id": client.id,
        "name": client.name,
        "grants": sorted(client.grants),
        "scopes": list(client.scopes),
        "audiences": list(client.audiences),
        "lifetime": client.lifetime,
        "format": client.format,
        "introspect": client.introspect,
        "tier": client.tier,
        "enabled": client.enabled,
        "secrets": [_secret(secret) for secret in client.secrets],
        "auth": sorted(methods_of(client)),
        "require_mtls": client.require_mtls,
        "require_dpop": client.require_dpop,
        "source": client.source,
        **_further(client),
    }


def _further(client: Client) -> dict[str, Any]:
    """What few clients have: told where there is something to tell."""
    told = written(client)
    return {name: told[name] for name in FURTHER if name in told}


def _secret(secret: Secret) -> dict[str, Any]:
    return {"name": secret.name, "created": _time(secret.created), "expires": _time(secret.expires)}


def _time(seconds: int | None) -> str | None:
    """RFC 3339 UTC; None if the time is unknown or never."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def client_keys_of(file: Path) -> str:
    """The JWK Set of a file. Exits with status 2 if it can't be used."""
    try:
        return jwks_of(file)
    except StartError as error:
        exit_with_error(str(error), WRONG_WORDS)
        return ""


def registry(store: Store) -> ClientRegistry:
    """The registry of clients in the store."""
    return ClientRegistry(store.clients, store.tokens, system_clock, secrets.token_bytes)


def configured(settings: Settings, client_id: str) -> Client | None:
    """The client of gateway.yaml with that id, if any."""
    return next(iter(file_clients(one for one in settings.clients if one.id == client_id)), None)


def reject_file_client(settings: Settings, client_id: str) -> None:
    """Exits with status 1 if the client is defined in gateway.yaml."""
    if configured(settings, client_id):
        exit_with_error(f"the client {client_id!r} is defined in gateway.yaml: change it there")


def exit_with_error(text: str | None, status: int = 1) -> None:
    """Prints `text` as an error and exits with the status; does nothing if it is None."""
    if text is not None:
        click.echo(f"gatepost: {text}", err=True)
        sys.exit(status)


def show_json(value: Any) -> None:
    """Prints a value as indented JSON."""
    click.echo(json.dumps(value, indent=2))
