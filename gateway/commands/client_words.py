"""What the commands about clients have in common."""

from __future__ import annotations

import json
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

import click

from gateway.accounts.registry import ClientRegistry
from gateway.assembly.clients import file_clients
from gateway.clock import system_clock
from gateway.commands.client_credentials import unfit_credentials
from gateway.config.model import Settings
from gateway.oauth.client_auth import methods_of
from gateway.oauth.scope import is_scope
from gateway.oauth.values import Client, Secret
from gateway.store import Store


def problem(wanted: Client, settings: Settings) -> str | None:
    """What is wrong with a client that is to be made; None where nothing is."""
    if wrong_id := _wrong_id(wanted.id, settings):
        return wrong_id
    if unknown := sorted(wanted.grants - settings.grants.keys()):
        return f"there is no grant {unknown[0]!r}; there are {', '.join(sorted(settings.grants))}"
    if wanted.tier is not None and wanted.tier not in settings.tiers:
        return f"there is no tier {wanted.tier!r}; there are {', '.join(sorted(settings.tiers)) or 'none'}"
    if wrong := [scope for scope in wanted.scopes if not is_scope(scope)]:
        return f"{wrong[0]!r} is no scope"
    if wanted.lifetime is not None and wanted.lifetime > settings.tokens.max_lifetime:
        return f"the lifetime is over tokens.max_lifetime ({settings.tokens.max_lifetime} seconds)"
    return next(unfit_credentials(wanted), None)


def _wrong_id(client_id: str, settings: Settings) -> str | None:
    if not client_id.isascii() or not client_id.isprintable():
        return "the id must be printable ASCII"
    if of_file(settings, client_id):
        return f"the client {client_id!r} stands in gateway.yaml"
    issuer, colon, _ = client_id.partition(":")
    if colon and issuer in settings.issuers:
        return f"the id {client_id!r} is what clients of the issuer {issuer} are called"
    if any(user.name.lower() == client_id.lower() for user in settings.portal.users):
        # RFC 9700 section 4.15: a client must not be taken for a user by its tokens' subject.
        return f"a user has the name {client_id!r}"
    return None


def described(shown: Client) -> dict[str, Any]:
    """A client for people and programs, without its secrets."""
    return {
        "client_id": shown.id,
        "name": shown.name,
        "grants": sorted(shown.grants),
        "scopes": list(shown.scopes),
        "audiences": list(shown.audiences),
        "lifetime": shown.lifetime,
        "format": shown.format,
        "introspect": shown.introspect,
        "tier": shown.tier,
        "enabled": shown.enabled,
        "secrets": [_secret(secret) for secret in shown.secrets],
        "auth": sorted(methods_of(shown)),
        "require_mtls": shown.require_mtls,
        "require_dpop": shown.require_dpop,
        "source": shown.source,
    }


def _secret(secret: Secret) -> dict[str, Any]:
    return {"name": secret.name, "created": _time(secret.created), "expires": _time(secret.expires)}


def _time(seconds: int | None) -> str | None:
    """A time as people and programs read it; None where it is not known, or never comes."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def registry(store: Store) -> ClientRegistry:
    """What changes clients."""
    return ClientRegistry(store.clients, store.tokens, system_clock, secrets.token_bytes)


def of_file(settings: Settings, client_id: str) -> Client | None:
    """The client of gateway.yaml of that id."""
    return next((one for one in file_clients(settings.clients) if one.id == client_id), None)


def refuse_file_client(settings: Settings, client_id: str) -> None:
    """Ends the command where the client can't be changed here."""
    if of_file(settings, client_id):
        refuse(f"the client {client_id!r} stands in gateway.yaml: change it there")


def refuse(text: str | None) -> None:
    """Ends the command, where there is something to say."""
    if text is not None:
        click.echo(f"gatepost: {text}", err=True)
        sys.exit(1)


def show_json(value: Any) -> None:
    """Prints a value."""
    click.echo(json.dumps(value, indent=2))
