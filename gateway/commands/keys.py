"""`gatepost keys …`: the master key, and the signing keys of JWT access tokens."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.assembly.tokens import configured_keys, encrypted_keys, key_rules
from gateway.commands.options import config_option, load_or_exit, prints_json
from gateway.commands.store_access import with_store
from gateway.config.model import Settings
from gateway.errors import GatepostError
from gateway.signing.encrypted_keys import EncryptedKeys, KeysUnreadable
from gateway.signing.key_check import KeyState, OtherMasterKey, check_values, key_state
from gateway.signing.rotation import replace_all, rotate
from gateway.signing.rotation_schedule import KeyRecord, Records, RotationRefused, published, signing
from gateway.store import RecordCounts, Store

KeyList = tuple[Records, float]
"""The signing keys, and the store's time."""


@click.group()
def keys() -> None:
    """Check the master key; list and rotate the keys that sign JWT access tokens."""


@keys.command("list")
@config_option
@prints_json
def list_keys(config: Path) -> None:
    """List the published keys, without their private parts."""
    settings = _load_with_stored_keys(config)

    async def work(store: Store) -> KeyList:
        return (await _encrypted_keys(settings, store).read()).records, store.clock()

    _show(*with_store(settings, work, check_key=False))


@keys.command("rotate")
@config_option
@click.option(
    "--at-once",
    is_flag=True,
    help="For a leaked key: the new key signs now, and tokens signed by all others are refused.",
)
@prints_json
def rotate_keys(config: Path, at_once: bool) -> None:
    """Add a key that signs after tokens.signing.lead; old keys stay until their tokens have expired."""
    settings = _load_with_stored_keys(config)
    rotation = replace_all if at_once else rotate

    async def work(store: Store) -> KeyList:
        try:
            records = await rotation(_encrypted_keys(settings, store), key_rules(settings), store.clock)
        except RotationRefused as error:
            raise GatepostError(str(error)) from error
        store.changes.heard("signing_keys.rotate", "signing keys", None, {"at_once": at_once})
        return records, store.clock()

    _show(*with_store(settings, work))


@keys.command("check")
@config_option
@prints_json
def check_keys(config: Path) -> None:
    """Check that tokens.keys has the master key of the store's gateways, and what depends on which key."""
    settings = load_or_exit(config)
    report = with_store(settings, lambda store: _report(settings, store), check_key=False)
    click.echo(json.dumps(asdict(report), indent=2))
    if report.problem is not None:
        click.echo(f"gatepost: {report.problem}", err=True)
        sys.exit(1)


@keys.command("adopt")
@config_option
@click.option("--yes", is_flag=True, help="Don't ask.")
@prints_json
def adopt_store(config: Path, yes: bool) -> None:
    """Make tokens.keys the master key of the store: clients, applications and users are signed again.

    For a lost master key, and for a store whose records are not signed. Live tokens, refresh tokens and
    sessions of another key end.
    """
    settings = load_or_exit(config)
    if not yes:
        click.confirm(
            "All records in the store will be trusted and signed, whoever wrote them. Continue?",
            abort=True,
            err=True,
        )

    async def work(store: Store) -> KeyReport:
        keys, encrypted = configured_keys(settings), _encrypted_keys(settings, store)
        await store.records.adopt()
        try:
            await encrypted.renew()
        except KeysUnreadable:
            await replace_all(encrypted, key_rules(settings), store.clock)
        await store.key_check.set(check_values(keys)[0])
        return await _report(settings, store)

    click.echo(json.dumps(asdict(with_store(settings, work, check_key=False)), indent=2))


@dataclass(frozen=True, slots=True)
class KeyReport:
    """Which master key the data in the store depends on."""

    master_key: str
    """`current`: the store uses the first key of `tokens.keys`; `older`: another one of them; `other`: a key
    that is not configured; `unused`: no gateway has used the store."""
    records: RecordCounts
    signing_keys: str
    """The key they are encrypted with: `current`, `older` or `other`; `none` if there are none."""

    @property
    def problem(self) -> str | None:
        """The problem that needs action; None if there is none."""
        if self.master_key == KeyState.OTHER.name.lower():
            return str(OtherMasterKey())
        if self.records.unsigned:
            return (
                f"{self.records.unsigned} clients, applications or users in the store are ignored: they are "
                "not signed with any key of tokens.keys (`gatepost keys adopt` signs them)"
            )
        return str(KeysUnreadable()) if self.signing_keys == "other" else None


async def _report(settings: Settings, store: Store) -> KeyReport:
    state = key_state(await store.key_check.get(), check_values(configured_keys(settings)))
    encrypted_with = await _encrypted_keys(settings, store).encrypted_with()
    return KeyReport(state.name.lower(), await store.records.count(), encrypted_with)


def described(record: KeyRecord, records: Records, now: float) -> dict[str, str | None]:
    """A signing key as a JSON object, without its private part."""
    unused = "waits" if record.signs_from > now else "retired"
    return {
        "kid": record.kid,
        "algorithm": record.algorithm,
        "state": "signs" if record == signing(records, now) else unused,
        "signs_from": _time(record.signs_from),
        "published_until": None if record.ends is None else _time(record.ends),
    }


def _show(records: Records, now: float) -> None:
    click.echo(json.dumps([described(one, records, now) for one in published(records, now)], indent=2))


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _encrypted_keys(settings: Settings, store: Store) -> EncryptedKeys:
    return encrypted_keys(store.signing_keys, configured_keys(settings))


def _load_with_stored_keys(config: Path) -> Settings:
    settings = load_or_exit(config)
    if settings.tokens.signing.keys:
        click.echo(
            "gatepost: tokens.signing.keys lists key files: to rotate, put a new file first there", err=True
        )
        sys.exit(1)
    return settings
