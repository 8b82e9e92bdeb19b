"""Records of earlier versions named people by their bare names. They are made to refer to ids, once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.store.applications import read_application, write_application
from gateway.store.client_record import read_client, write_client
from gateway.store.errors import ClientUnreadable
from gateway.store.hash_scan import scan_hash
from gateway.store.key_names import KeyNames
from gateway.store.link import Commands
from gateway.store.record_mac import RecordMac
from gateway.store.script import Script
from gateway.store.users import AccountRecords

FORMAT = 2
"""Of the records: 1 has bare names."""
PROGRAM = "client/"
"""What the owner began with where a client of gateway.yaml had made the application."""
NOBODY = "none:"
"""What the owner begins with where it was a name that nobody bears any more."""

Change = Callable[[str, bytes, Callable[[str], str]], str | None]
"""What becomes of a record, by its name, its content, and what finds the id of an owner; None: it stays."""

REWRITE = Script(
    "migration.rewrite",
    """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
""",
)


async def migrate(commands: Commands, names: KeyNames, mac: RecordMac, of_file: Mapping[str, str]) -> None:
    """Gives accounts their ids, and applications and clients the ids of their owners.

    `of_file` has the ids of the users of gateway.yaml, by name in lower case: until now such a name was
    theirs. It may run in several workers at once, and may be broken off. Raises StoreUnavailable.
    """
    key = names.format
    kept = await commands.execute("GET", key)
    if kept is not None and int(kept) >= FORMAT:
        return
    ids = {**await _identify_accounts(commands, AccountRecords(names, mac)), **of_file}

    def owner_id(owner: str) -> str:
        if ":" in owner or not owner:
            return owner
        if owner.startswith(PROGRAM):
            return "client:" + owner.removeprefix(PROGRAM)
        return ids.get(owner.lower(), NOBODY + owner)

    def signed_for(kind: str) -> Callable[[str], str]:
        return lambda name: names.record(kind, name)

    for group in names.groups:
        await _rewrite(commands, mac, names.applications(group), signed_for("apps"), _application, owner_id)
        await _rewrite(commands, mac, names.clients(group), signed_for("clients"), _client, owner_id)
    await commands.execute("SET", key, FORMAT)


async def _identify_accounts(commands: Commands, records: AccountRecords) -> dict[str, str]:
    """The ids of all accounts, by name in lower case."""
    ids: dict[str, str] = {}
    async for name, first in _scan(commands, records.key):
        data = first
        while (user := records.read(name, data)) is not None and not user.id:
            user = await records.identify(commands, name, data)
            if user is not None:
                break
            data = await commands.execute("HGET", records.key, name) or b""
        if user is not None:
            ids[name] = user.id
    return ids


async def _rewrite(
    commands: Commands,
    mac: RecordMac,
    key: str,
    signed_for: Callable[[str], str],
    change: Change,
    owner_id: Callable[[str], str],
) -> None:
    """Rewrites the records of which `change` makes others; one that was changed meanwhile is read again."""
    async for name, first in _scan(commands, key):
        data = first
        while (record := mac.verify(signed_for(name), data)) is not None:
            after = change(name, record, owner_id)
            if after is None:
                break
            if await commands.script(REWRITE, (key,), (name, data, mac.sign(signed_for(name), after))):
                break
            data = await commands.execute("HGET", key, name) or b""


async def _scan(commands: Commands, key: str) -> AsyncIterator[tuple[str, bytes]]:
    async for name, data in scan_hash(commands, key):
        yield name.decode("utf-8", "replace"), data


def _application(name: str, data: bytes, owner_id: Callable[[str], str]) -> str | None:
    read: Application | None = read_application(name, data)
    if read is None or owner_id(read.owner) == read.owner:
        return None
    return write_application(replace(read, owner=owner_id(read.owner), owner_name=read.owner))


def _client(name: str, data: bytes, owner_id: Callable[[str], str]) -> str | None:
    try:
        read: Client = read_client(name, data)
    except ClientUnreadable:
        return None
    if owner_id(read.owner) == read.owner:
        return None
    return write_client(replace(read, owner=owner_id(read.owner)))
