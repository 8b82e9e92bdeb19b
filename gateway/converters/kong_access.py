"""Who may call what in Kong: the plugins that authenticate, the consumers and their groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from gateway.converters.draft import ConfigDraft
from gateway.converters.openapi import items, mapping

TOKENS = ("oauth2", "jwt", "openid-connect", "oauth2-introspection", "jwt-signer")
OTHERS = (
    "basic-auth",
    "hmac-auth",
    "ldap-auth",
    "ldap-auth-advanced",
    "session",
    "mtls-auth",
    "header-cert-auth",
)
MIN_KEY, MAX_KEY = 16, 256

Entity = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KongAccess:
    """Who may call a route."""

    is_open: bool
    scopes: Sequence[str] = ()
    plugins: Sequence[dict[str, Any]] = ()


def access_of(plugins: Mapping[str, Entity], document: Entity, draft: ConfigDraft, where: str) -> KongAccess:
    """What a route's plugins ask of its callers. Where none asks, Kong lets everybody in."""
    used = [name for name in (*TOKENS, "key-auth", "key-auth-enc", *OTHERS) if name in plugins]
    if not used:
        return KongAccess(is_open=True)
    further: list[dict[str, Any]] = []
    for name in used:
        config = mapping(plugins[name].get("config"))
        if name.startswith("key-auth"):
            further.append(_api_key(config, draft, where, tokens=len(used) > 1))
        elif name in OTHERS:
            draft.note(where, f"{name} has no counterpart: a token is needed instead")
        elif name != "oauth2":
            draft.note(where, f"{name}: tokens of other issuers need `issuers`; see how-to/other-issuers.md")
        if config.get("anonymous"):
            draft.note(where, f"{name} lets anonymous callers in: here nobody without credentials is let in")
    return KongAccess(is_open=False, scopes=_scopes(plugins, draft, where), plugins=further)


def _api_key(config: Entity, draft: ConfigDraft, where: str, *, tokens: bool) -> dict[str, Any]:
    names = [str(one) for one in items(config.get("key_names"))] or ["apikey"]
    if len(names) > 1:
        draft.note(
            where, f"API keys are read from the header {names[0]} only, not from {', '.join(names[1:])}"
        )
    draft.note("key-auth", "API keys in queries and bodies are not read: send them in the header")
    return {"use": "api_key", "with": {"header": names[0], "token": tokens}}


def _scopes(plugins: Mapping[str, Entity], draft: ConfigDraft, where: str) -> list[str]:
    found = []
    oauth = mapping(mapping(plugins.get("oauth2")).get("config"))
    wanted = [str(one) for one in items(oauth.get("scopes"))]
    if oauth.get("mandatory_scope") and wanted:
        found.append(wanted[0])
        if len(wanted) > 1:
            draft.note(
                where, f"one of the scopes {', '.join(wanted)} is enough in Kong: {wanted[0]} is taken"
            )
    acl = mapping(mapping(plugins.get("acl")).get("config"))
    groups = [str(one) for one in items(acl.get("allow") or acl.get("whitelist"))]
    if groups:
        found.append(group_scope(groups))
    if acl.get("deny") or acl.get("blacklist"):
        draft.note(where, "acl: groups can't be denied, only allowed, by scopes")
    return found


def group_scope(groups: Sequence[str]) -> str:
    """The scope that members of one of these groups may have."""
    return "group:" + "|".join(sorted("".join(group.split()) for group in groups))


def clients_of(document: Entity, draft: ConfigDraft) -> Iterator[dict[str, Any]]:
    """The consumers: a client for each of their OAuth 2 credentials, or one for the others."""
    allowed, oauth_scopes = _group_lists(document), _oauth_scopes(document)
    for consumer in map(mapping, items(document.get("consumers"))):
        name = str(consumer.get("username") or consumer.get("custom_id") or consumer.get("id"))
        where = f"consumer {name}"
        groups = {str(mapping(one).get("group")) for one in _credentials(document, consumer, "acls")}
        scopes = sorted(group_scope(one) for one in allowed if groups & set(one))
        keys = list(_api_keys(document, consumer, draft, where))
        credentials = _credentials(document, consumer, "oauth2_credentials")
        made = [_oauth_client(one, name, draft, where) for one in credentials]
        scopes += oauth_scopes if credentials else []
        clients = [client for client in made if client is not None] or ([{"id": name}] if keys else [])
        if keys:
            clients[0]["api_keys"] = keys
        if not clients:
            draft.note(where, "has no OAuth 2 credentials and no API keys: left out")
        for kind in ("basicauth_credentials", "jwt_secrets", "hmacauth_credentials", "mtls_auth_credentials"):
            if _credentials(document, consumer, kind):
                draft.note(where, f"its {kind} have no counterpart: give it a secret, or `jwks`")
        yield from ({**client, **({"scopes": scopes} if scopes else {})} for client in clients)


def _configs(document: Entity, plugin: str) -> Iterator[Entity]:
    """The configurations of all plugins of this name."""
    holders = [document, *items(document.get("services")), *items(document.get("routes"))]
    holders += [
        route for one in items(document.get("services")) for route in items(mapping(one).get("routes"))
    ]
    for one in (mapping(one) for holder in holders for one in items(mapping(holder).get("plugins"))):
        if one.get("name") == plugin:
            yield mapping(one.get("config"))


def _group_lists(document: Entity) -> list[list[str]]:
    """The groups that acl plugins allow, each list once."""
    found: dict[str, list[str]] = {}
    for config in _configs(document, "acl"):
        groups = [str(one) for one in items(config.get("allow") or config.get("whitelist"))]
        if groups:
            found[group_scope(groups)] = groups
    return list(found.values())


def _oauth_scopes(document: Entity) -> list[str]:
    """What Kong lets every OAuth 2 client ask for."""
    lists = (items(config.get("scopes")) for config in _configs(document, "oauth2"))
    return [*dict.fromkeys(str(scope) for scopes in lists for scope in scopes)]


def _credentials(document: Entity, consumer: Entity, kind: str) -> list[Entity]:
    names = {consumer.get("username"), consumer.get("id"), consumer.get("custom_id")} - {None}
    own = [mapping(one) for one in items(consumer.get(kind))]
    for one in map(mapping, items(document.get(kind))):
        owner = one.get("consumer")
        owners = set(owner.values()) if isinstance(owner, Mapping) else {owner}
        own += [one] if owners & names else []
    return own


def _api_keys(document: Entity, consumer: Entity, draft: ConfigDraft, where: str) -> Iterator[str]:
    for one in _credentials(document, consumer, "keyauth_credentials"):
        key = str(one.get("key", ""))
        if MIN_KEY <= len(key) <= MAX_KEY:
            yield hashed(key)
        else:
            draft.note(where, f"an API key has fewer than {MIN_KEY} characters, or too many: left out")


def _oauth_client(credential: Entity, name: str, draft: ConfigDraft, where: str) -> dict[str, Any] | None:
    client_id, secret = credential.get("client_id"), credential.get("client_secret")
    if not client_id or not secret:
        draft.note(where, "an OAuth 2 credential has no client_id or no client_secret: left out")
        return None
    if credential.get("hash_secret"):
        draft.note(where, "an OAuth 2 secret is hashed: it must be replaced")
        return None
    return {
        "id": str(client_id),
        "name": str(credential.get("name") or name),
        "secrets": [hashed(str(secret))],
    }


def hashed(secret: str) -> str:
    """A secret as gateway.yaml has it where it need not be known."""
    return f"sha256:{sha256(secret.encode()).hexdigest()}"
