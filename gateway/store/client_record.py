"""A client as it lies in the store: JSON with readable names; of its secrets only digests."""

from __future__ import annotations

from gateway.oauth.values import Client, Secret
from gateway.store.errors import ClientUnreadable
from gateway.store.record import Record, write_record

DIGEST_BYTES = 32


def write_client(client: Client) -> str:
    """The record of a client, without its id: that is the record's name."""
    secrets = [
        {
            "sha256": secret.digest.hex(),
            "name": secret.name,
            "expires": secret.expires,
            "created": secret.created,
        }
        for secret in client.secrets
    ]
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
            "tls_subject": client.tls_subject,
            "require_mtls": client.require_mtls or None,
            "require_dpop": client.require_dpop or None,
        }
    )


def read_client(client_id: str, data: bytes) -> Client:
    """The client in a record. What newer versions may have added is let be.

    Raises:
        ClientUnreadable: a part is not what it should be; the text names the client.
    """
    try:
        record = Record.parse(data)
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
            tls_subject=_pair(record.texts("tls_subject")),
            require_mtls=record.truth("require_mtls", default=False),
            require_dpop=record.truth("require_dpop", default=False),
        )
    except (ValueError, TypeError):
        raise ClientUnreadable(f"the store's record of client {client_id!r} is malformed") from None


def _pair(texts: tuple[str, ...]) -> tuple[str, str] | None:
    if not texts:
        return None
    kind, value = texts
    return kind, value


def _secret(record: Record) -> Secret:
    digest = bytes.fromhex(record.text("sha256"))
    if len(digest) != DIGEST_BYTES:
        raise ValueError("not a SHA-256")
    return Secret(
        digest=digest,
        name=record.text("name", ""),
        expires=record.whole_or_none("expires"),
        created=record.whole("created", 0),
    )
