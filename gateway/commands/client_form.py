"""Clients of the store, given by the keys of `clients` in gateway.yaml: read and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.assembly.clients import file_clients
from gateway.commands.client_fields import written
from gateway.commands.client_files import LISTS, FileRecord, issue
from gateway.config.checks import clients as checks
from gateway.config.checks import issuers, lifetimes, subscriptions, tiers, trust
from gateway.config.checks.check import Check, CheckContext
from gateway.config.clients import ClientSettings
from gateway.config.decode import decode
from gateway.config.grants import ON_BY_DEFAULT
from gateway.config.model import Settings
from gateway.config.partial_model import PartialModel
from gateway.config.problems import ConfigIssue, Place, suggest
from gateway.config.secrets import NamedSecret
from gateway.config.tree import Entry, Leaf, ListNode, MapNode, Node
from gateway.config.value_types import ClientSecret, check_secret
from gateway.oauth.model import Client, Secret, Subscription
from gateway.oauth.secret_hashes import SHA256, read_hash

ALIASES = {
    "client_id": "id",
    "client_name": "name",
    "secret": "secrets",
    "client_secret": "secrets",
    "scope": "scopes",
    "grant_types": "grants",
    "audience": "audiences",
    "token_endpoint_auth_method": "auth",
}
"""Names by which RFC 7591 and other servers call the keys."""
ONLY_IN_THE_FILE = {
    "jwks_file": "is for gateway.yaml: give the keys themselves in jwks",
    "api_keys": "is for gateway.yaml",
    "origins": "is for gateway.yaml: origins for all clients stand in server.cors",
}
CHECKS: tuple[Check, ...] = (
    checks.ids_once,
    checks.grants_known,
    checks.default_scopes_allowed,
    checks.exchanges_name_known_issuers,
    checks.credentials_there,
    checks.certificates_seen,
    trust.trusts_name_known_issuers,
    trust.trusts_name_a_repository,
    issuers.client_ids_apart,
    lifetimes.within_longest,
    tiers.tiers_there,
    subscriptions.subscribed_apis_there,
)
"""What must hold of a client of the store as of one of gateway.yaml."""
_SOME_SECRET = "sha256:" + "0" * 64
TO_BE_MADE = Secret(b"")
"""Stands for a secret that is yet to be generated."""
_OF_SERVERS = frozenset({"algorithm", "secretData", "credentialData"})
"""A mapping with one of them is a hash as Keycloak or WSO2 writes it."""
_KEYED = ("jwks", "jwks_uri", "tls_client_auth", "trust")
"""Who has one of them needs no secret."""
NOOP = "{noop}"
"""Before a secret that Spring Security keeps in plain text."""


@dataclass(frozen=True, slots=True)
class FormRules:
    """What clients are checked against."""

    settings: Settings
    hex_secrets: str | None = None
    """What 64 hexadecimal digits are: `plain` secrets or `sha256` hashes; None: that is a problem."""
    generate: bool = False
    """Whether clients without credentials get a secret, `TO_BE_MADE`."""


def read_clients(
    records: Sequence[FileRecord], rules: FormRules, known: Mapping[str, Client], now: int
) -> tuple[list[Client], list[ConfigIssue]]:
    """The clients as they will be: those of `known` changed in what the records say, the others new.

    The list is of use only without issues.
    """
    issues: list[ConfigIssue] = []
    forms = [_form(record, rules, known, now, issues) for record in records]
    models = [(form, model) for form in forms if (model := _model(form, issues)) is not None]
    lines = [form.line for form, _ in models]
    settings = rules.settings
    issues += _taken_ids(models, settings)
    issues += _cross_checked(settings, tuple(model for _, model in models), lines)
    url = settings.server.public_url
    made = [
        _client(form, client, known.get(client.id), now)
        for (form, _), client in zip(models, file_clients((one for _, one in models), url), strict=True)
    ]
    return made, issues


@dataclass(frozen=True, slots=True)
class _Form:
    """What becomes a client."""

    line: int
    fields: dict[str, Any]
    """Without its secrets."""
    secrets: tuple[Secret, ...]


def _form(
    record: FileRecord,
    rules: FormRules,
    known: Mapping[str, Client],
    now: int,
    issues: list[ConfigIssue],
) -> _Form:
    given: dict[str, Any] = {}
    for name, value in record.fields.items():
        key = ALIASES.get(name, name)
        if key in given:
            issues.append(issue(record.line, "is given twice", name))
        elif key in ONLY_IN_THE_FILE:
            issues.append(issue(record.line, ONLY_IN_THE_FILE[key], name))
        else:
            given[key] = value.split() if key in LISTS and isinstance(value, str) else value
    before = known.get(given["id"]) if isinstance(given.get("id"), str) else None
    fields = given if before is None else written(before) | given
    texts = fields.pop("secrets", None)
    secrets = before.secrets if texts is None and before is not None else ()
    if texts is not None:
        secrets = tuple(_secrets(texts, record.line, rules, now, issues))
    if rules.generate and not secrets and not any(map(fields.get, _KEYED)):
        secrets = (TO_BE_MADE,)
    return _Form(record.line, {name: one for name, one in fields.items() if one is not None}, secrets)


def _secrets(
    given: Any, line: int, rules: FormRules, now: int, issues: list[ConfigIssue]
) -> Iterator[Secret]:
    for place, item in enumerate(given if isinstance(given, list) else [given]):
        try:
            yield _secret(item, place, rules, now)
        except ValidationError:
            issues.append(issue(line, "must have secret, and may have name and expires", "secrets", place))
            yield TO_BE_MADE
        except ValueError as error:
            issues.append(issue(line, str(error), "secrets", place))
            yield TO_BE_MADE


def _secret(item: Any, place: int, rules: FormRules, now: int) -> Secret:
    of_server = isinstance(item, dict) and not _OF_SERVERS.isdisjoint(item)
    named = item if isinstance(item, dict) and not of_server else {"secret": item}
    text = named.get("secret", "")
    text = json.dumps(text) if isinstance(text, dict) else text
    if not isinstance(text, str):
        raise ValueError("must be a text")
    kept = NamedSecret.model_validate({**named, "secret": _SOME_SECRET})
    name = kept.name or f"imported-{place + 1}"
    found = _read_secret(text, rules.hex_secrets)
    digest, foreign = (b"", found) if isinstance(found, str) else (found, "")
    return Secret(digest, name, kept.expires, now, foreign=foreign)


def _read_secret(text: str, hex_secrets: str | None) -> str | bytes:
    """The foreign hash, or the digest."""
    if text.startswith(NOOP):
        text = text.removeprefix(NOOP)
    elif (found := read_hash(text)) is not None:
        return found
    elif SHA256.fullmatch(text) and hex_secrets != "plain":
        if hex_secrets is None:
            raise ValueError("may be a secret or its SHA-256: say which by --hex-secrets plain or sha256")
        return bytes.fromhex(text)
    return sha256(check_secret(ClientSecret(text)).get_secret_value().encode()).digest()


def _model(form: _Form, issues: list[ConfigIssue]) -> ClientSettings | None:
    fields = form.fields | ({"secrets": [_SOME_SECRET]} if form.secrets else {})
    try:
        return ClientSettings.model_validate(fields)
    except ValidationError:
        # The slow way, which says in words what is wrong.
        model, found = decode(ClientSettings, _node(fields, Place(form.line, 1)), (), PartialModel())
        issues += found
        return model if not found else None


def _node(value: Any, place: Place) -> Node:
    if isinstance(value, dict):
        return MapNode(place, {name: Entry(place, _node(one, place)) for name, one in value.items()})
    if isinstance(value, list | tuple):
        return ListNode(place, [_node(one, place) for one in value])
    return Leaf(place, value)


def _taken_ids(models: Sequence[tuple[_Form, ClientSettings]], settings: Settings) -> Iterator[ConfigIssue]:
    of_file = {one.id for one in settings.clients}
    users = {user.name.lower() for user in settings.portal.users}
    for form, model in models:
        if model.id in of_file:
            yield issue(form.line, "is the id of a client in gateway.yaml", "id")
        elif model.id.lower() in users:
            # RFC 9700 section 4.15: a client_id must not collide with a user's `sub`.
            yield issue(form.line, "is the name of a user", "id")


def _cross_checked(
    settings: Settings, models: tuple[ClientSettings, ...], lines: Sequence[int]
) -> Iterator[ConfigIssue]:
    wanted = settings.model_copy(update={"clients": models})
    names, grants = frozenset(settings.issuers), frozenset(settings.grants) | {ON_BY_DEFAULT}
    context = CheckContext(frozenset(), names, grants, tuple, Path.is_file, Path.read_bytes, lambda _: None)
    for check in CHECKS:
        for finding in check(wanted, context):
            if finding.path[:1] != ("clients",):
                continue
            _, index, *path = finding.path
            first = finding.first
            text = finding.text + suggest(finding.invalid, finding.valid)
            if first is not None and first[:1] == ("clients",):
                text += f" (the first is on line {lines[int(first[1])]})"
            yield ConfigIssue(Place(lines[int(index)], 1), tuple(path), text)


def _client(form: _Form, client: Client, before: Client | None, now: int) -> Client:
    """The client of the store, with what no file says."""
    old = before or Client(client.id, created=now)
    return replace(
        client,
        source="store",
        secrets=form.secrets,
        created=old.created,
        owner=old.owner,
        application=old.application,
        registration=old.registration,
        subscriptions=_subscriptions(client, old),
    )


def _subscriptions(client: Client, old: Client) -> tuple[Subscription, ...]:
    """Those of an application's keys are the portal's to say; others keep their tiers."""
    if old.application:
        return old.subscriptions
    return tuple(old.subscription(one.api) or one for one in client.subscriptions)
