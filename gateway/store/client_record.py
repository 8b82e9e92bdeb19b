"""The stored record of a client: JSON with readable names, and digests of its secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.oauth.model import Client, ExchangeRules, Secret, Subscription
from gateway.oauth.secret_hashes import is_slow_hash
from gateway.oauth.trust import ClaimRule, Trust
from gateway.store.errors import ClientUnreadable
from gateway.store.json_record import JsonRecord, write_record

DIGEST_BYTES = 32
DEFAULT_AUDIENCE = ("issuer",)


def write_client(client: Client) -> str:
    """The record of a client, without its id, which is the field of the hash."""
    secrets = [
        {
            **({"hash": secret.foreign} if secret.foreign else {"sha256": secret.digest.hex()}),
            "name": secret.name,
            "expires": secret.expires,
            "created": secret.created,
        }
        for secret in client.secrets
    ]
    audiences = client.assertion_audience
    return write_record(
        {
            "name": client.name,
            "secrets": secrets,
            "grants": sorted(client.grants),
            "scopes": client.scopes,
            "lifetime": client.lifetime,
            "audiences": client.audiences,
            "enabled": client.enabled,
            "format": client.format,
            "introspect": client.introspect,
            "created": client.created,
            "tier": client.tier,
            "owner": client.owner,
            "application": client.application,
            "auth": sorted(client.auth),
            "jwks": client.jwks,
            "jwks_uri": client.jwks_uri,
            "tls_subject": client.tls_subject,
            "require_mtls": client.require_mtls or None,
            "require_dpop": client.require_dpop or None,
            "registration": client.registration,
            "api_keys": [_written_key(key) for key in client.api_keys],
            "default_scopes": _words(client.default_scopes),
            "assertion_audience": () if audiences == DEFAULT_AUDIENCE else audiences,
            "claims": client.claims,
            "networks": client.networks,
            "subscriptions": [_written_subscription(one) for one in client.subscriptions],
            "trust": [_written_trust(trust) for trust in client.trust],
            "exchange": [] if client.exchange is None else [_written_exchange(client.exchange)],
        }
    )


def read_client(client_id: str, data: bytes) -> Client:
    """The client in a record. Members of newer versions are ignored.

    Raises:
        ClientUnreadable: it is malformed; the text names the client.
    """
    try:
        record = JsonRecord.parse(data)
        return Client(
            id=client_id,
            name=record.text("name", ""),
            secrets=tuple(_secret(item) for item in record.records("secrets")),
            grants=frozenset(record.texts("grants")),
            scopes=record.texts("scopes"),
            lifetime=record.whole_or_none("lifetime"),
            audiences=record.texts("audiences"),
            enabled=record.truth("enabled"),
            introspect=record.truth("introspect", default=False),
            format=record.text_or_none("format"),
            source="store",
            created=record.whole("created", 0),
            tier=record.text_or_none("tier"),
            owner=record.text("owner", ""),
            application=record.text("application", ""),
            auth=frozenset(record.texts("auth")),
            jwks=record.text("jwks", ""),
            jwks_uri=record.text("jwks_uri", ""),
            tls_subject=_pair(record.texts("tls_subject")),
            require_mtls=record.truth("require_mtls", default=False),
            require_dpop=record.truth("require_dpop", default=False),
            registration=record.text("registration", ""),
            api_keys=tuple(_api_key(item) for item in record.records("api_keys")),
            default_scopes=_from_words(record.text_or_none("default_scopes")),
            assertion_audience=record.texts("assertion_audience") or DEFAULT_AUDIENCE,
            claims=record.text("claims", ""),
            networks=record.texts("networks"),
            subscriptions=tuple(
                Subscription(one.text("api"), one.text("tier", "")) for one in record.records("subscriptions")
            ),
            trust=tuple(_trust(item) for item in record.records("trust")),
            exchange=next((_exchange(item) for item in record.records("exchange")), None),
        )
    except (ValueError, TypeError):
        raise ClientUnreadable(f"the store's record of client {client_id!r} is malformed") from None


def _pair(texts: tuple[str, ...]) -> tuple[str, str] | None:
    if not texts:
        return None
    kind, value = texts
    return kind, value


def _written_key(key: Secret) -> dict[str, Any]:
    told = {"sha256": key.digest.hex(), "prefix": key.prefix, "name": key.name, "created": key.created}
    return told | ({} if key.expires is None else {"expires": key.expires})


def _api_key(record: JsonRecord) -> Secret:
    return replace(_secret(record), prefix=record.text("prefix"))


def _words(texts: tuple[str, ...] | None) -> str | None:
    """A list as one text, where no list and an empty one differ."""
    return None if texts is None else " ".join(texts) or " "


def _from_words(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(text.split())


def _written_subscription(one: Subscription) -> dict[str, str]:
    return {"api": one.api} | ({"tier": one.tier} if one.tier else {})


def _written_trust(trust: Trust) -> dict[str, Any]:
    rules = [{"name": rule.name, "value": rule.value, "pattern": rule.pattern} for rule in trust.rules]
    return {"issuer": trust.issuer, "audience": trust.audience, "rules": rules, "once": trust.once}


def _trust(record: JsonRecord) -> Trust:
    rules = tuple(
        ClaimRule(rule.text("name"), rule.text("value"), rule.truth("pattern"))
        for rule in record.records("rules")
    )
    if not rules:
        raise ValueError("every token of the issuer would be the client's")
    return Trust(record.text("issuer"), record.text("audience"), rules, record.truth("once"))


def _written_exchange(rules: ExchangeRules) -> dict[str, Any]:
    return {
        "subjects": sorted(rules.subjects),
        "scopes": _words(rules.scopes),
        "audiences": rules.audiences,
        "id_jag": rules.id_jag,
    }


def _exchange(record: JsonRecord) -> ExchangeRules:
    return ExchangeRules(
        frozenset(record.texts("subjects")),
        _from_words(record.text_or_none("scopes")),
        record.texts("audiences"),
        record.truth("id_jag"),
    )


def _secret(record: JsonRecord) -> Secret:
    foreign = record.text("hash", "")
    digest = b"" if foreign else bytes.fromhex(record.text("sha256"))
    if not (is_slow_hash(foreign) if foreign else len(digest) == DIGEST_BYTES):
        raise ValueError("not a SHA-256, and no hash that is known")
    return Secret(
        digest=digest,
        foreign=foreign,
        name=record.text("name", ""),
        expires=record.whole_or_none("expires"),
        created=record.whole("created", 0),
    )
