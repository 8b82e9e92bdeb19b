"""Synchronizes users and clients of gateway.yaml with the store."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gateway.accounts.file_users import FileUsers
from gateway.assembly.tokens import configured_keys, record_mac
from gateway.config.model import Settings
from gateway.config.portal import PortalUser
from gateway.oauth.model import Client
from gateway.oauth.user import User
from gateway.runtime.give_way import giving_way, let_go
from gateway.signing.key_check import KeyState, check_values, key_state
from gateway.signing.master_keys import MasterKeys
from gateway.store.file_changes import DeclaredUser
from gateway.store.file_records import FileRecords
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands, OnConnect
from gateway.store.migration import migrate

PURPOSE = "file records"
"""What the keys of the digests are derived for."""
DIGEST_CHARACTERS = 32


def file_users(settings: Iterable[PortalUser]) -> list[User]:
    """All portal users of the file."""
    return [User(user.name, user.password.get_secret_value(), user.given_role) for user in settings]


def apply_file(settings: Settings, names: KeyNames, users: FileUsers, clients: Sequence[Client]) -> OnConnect:
    """Returns a connect hook that applies the file to the store before any other command uses it.

    If the master key does not match the store, nothing is applied: every record of the other gateways would
    look changed, and their tokens would be revoked.
    """
    master = configured_keys(settings)
    mac, keys = record_mac(master), master.derive(PURPOSE)
    records, own = FileRecords(names, mac), check_values(master)
    declared_users = {
        name: DeclaredUser(user.name, tuple(_digest(key, user.password.encode()) for key in keys))
        for name, user in users.declared.items()
    }
    credentials = {
        client.id: frozenset(client.credential_digests) for client in giving_way(clients) if client.enabled
    }

    async def apply(commands: Commands) -> None:
        if key_state(await commands.execute("GET", names.key_check), own) is KeyState.OTHER:
            return
        identified = await records.apply(commands, settings.load_id, declared_users, credentials)
        await migrate(commands, names, mac, {name: one.id for name, one in identified.items()})
        users.identify(identified)

    return apply


def with_digests(clients: list[Client], keys: MasterKeys) -> list[Client]:
    """The clients of the file with the digests of their credentials, under each of the master keys.

    Empties the list that it is given.
    """
    derived = keys.derive(PURPOSE)

    def digests(client: Client) -> tuple[str, ...]:
        return tuple(_digest(key, one) for key in derived for one in credentials_of(client))

    found = [replace(one, credential_digests=digests(one)) for one in giving_way(clients)]
    let_go(clients)
    return found


def credentials_of(client: Client) -> Iterator[bytes]:
    """The credentials that identify a client of the file across changes: its secrets; without secrets its
    public keys and certificate subject; else what it trusts; else its API keys. If none of them stays, it
    counts as a different client.
    """
    if client.secrets:
        yield from (b"secret " + one.digest for one in client.secrets)
    elif client.has_keys or client.tls_subject:
        for one in json.loads(client.jwks)["keys"] if client.jwks else ():
            yield b"jwk " + json.dumps(one, sort_keys=True).encode()
        if client.jwks_uri:
            yield b"jwks_uri " + client.jwks_uri.encode()
        if client.tls_subject:
            yield b"tls " + "\n".join(client.tls_subject).encode()
    elif client.trust:
        yield from (b"trust " + repr(one).encode() for one in client.trust)
    else:
        yield from (b"api key " + one.digest for one in client.api_keys)


def _digest(key: bytes, value: bytes) -> str:
    return hmac.new(key, value, "sha256").hexdigest()[:DIGEST_CHARACTERS]
