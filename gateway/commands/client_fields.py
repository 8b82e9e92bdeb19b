"""Clients of the store, written by the keys of `clients` in gateway.yaml."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from gateway.config.clients import OWN_TOKENS
from gateway.oauth.model import OWN, Client, ExchangeRules
from gateway.oauth.trust import Trust


def written(client: Client, *, hashes: bool = False) -> dict[str, Any]:
    """A client by the keys of gateway.yaml, without those that have their default.

    With `hashes` also what is kept of its secrets.
    """
    plain = Client(client.id)
    fields: dict[str, Any] = {"id": client.id}
    for name in (
        "name",
        "lifetime",
        "format",
        "tier",
        "enabled",
        "introspect",
        "require_mtls",
        "require_dpop",
    ):
        if getattr(client, name) != getattr(plain, name):
            fields[name] = getattr(client, name)
    fields["grants"] = sorted(client.grants)
    fields["scopes"] = list(client.scopes)
    for name in ("default_scopes", "audiences", "networks", "assertion_audience"):
        if getattr(client, name) != getattr(plain, name):
            fields[name] = list(getattr(client, name))
    return fields | _written_credentials(client) | (_written_secrets(client) if hashes else {})


def _written_credentials(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = {
        "auth": sorted(client.auth),
        "jwks": json.loads(client.jwks) if client.jwks else None,
        "jwks_uri": client.jwks_uri,
        "tls_client_auth": dict([client.tls_subject]) if client.tls_subject else None,
        "claims": json.loads(client.claims) if client.claims else None,
        "trust": [_written_trust(one) for one in client.trust],
        "subscriptions": [one.api for one in client.subscriptions],
        "exchange": None if client.exchange is None else _written_exchange(client.exchange),
    }
    return {name: value for name, value in found.items() if value}


def _written_trust(known: Trust) -> dict[str, Any]:
    rules = {rule.name: {"pattern": rule.value} if rule.pattern else rule.value for rule in known.rules}
    subject = rules.pop("sub", None)
    told = {"issuer": known.issuer, "subject": subject, "claims": rules, "audience": known.audience}
    return {name: value for name, value in told.items() if value} | ({"once": True} if known.once else {})


def _written_exchange(rules: ExchangeRules) -> dict[str, Any]:
    return {
        "subjects": sorted(OWN_TOKENS if name == OWN else name for name in rules.subjects),
        "scopes": None if rules.scopes is None else list(rules.scopes),
        "audiences": list(rules.audiences),
        "id_jag": rules.id_jag,
    }


def _written_secrets(client: Client) -> dict[str, Any]:
    found = []
    for one in client.secrets:
        secret = {"secret": one.foreign or f"sha256:{one.digest.hex()}", "name": one.name}
        if one.expires is not None:
            secret["expires"] = datetime.fromtimestamp(one.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        found.append(secret)
    return {"secrets": found} if found else {}
