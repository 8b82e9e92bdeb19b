"""`gatepost keys …`: the keys that sign JWT access tokens, in the store of all gateways that share it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.assembly.tokens import key_rules, key_vault, master_of
from gateway.clock import system_clock
from gateway.commands.options import config_option, load_or_exit
from gateway.commands.store_access import with_store
from gateway.config.model import Settings
from gateway.errors import GatepostError
from gateway.signing.rotation import replace_all, rotate
from gateway.signing.schedule import KeyRecord, Records, RotationRefused, published, signing
from gateway.signing.vault import KeyVault
from gateway.store import Store


@click.group()
def keys() -> None:
    """Lists and rotates the keys that sign JWT access tokens."""


@keys.command("list")
@config_option
def list_keys(config: Path) -> None:
    """Lists the published keys, without their private halves."""
    settings = _kept_in_store(config)

    async def work(store: Store) -> Records:
        return (await _vault(settings, store).read()).records

    _show(with_store(settings, work))


@keys.command("rotate")
@config_option
@click.option(
    "--at-once",
    is_flag=True,
    help="For a key that has leaked: a new one signs now, and tokens of all others are refused.",
)
def rotate_keys(config: Path, at_once: bool) -> None:
    """Adds a key that signs when everybody can know it; the old ones stay as long as their tokens live."""
    settings = _kept_in_store(config)
    turn = replace_all if at_once else rotate

    async def work(store: Store) -> Records:
        try:
            return await turn(_vault(settings, store), key_rules(settings), system_clock)
        except RotationRefused as error:
            raise GatepostError(str(error)) from error

    _show(with_store(settings, work))


def described(record: KeyRecord, records: Records, now: float) -> dict[str, str | None]:
    """A key for people and programs."""
    unused = "waits" if record.signs_from > now else "retired"
    return {
        "kid": record.kid,
        "algorithm": record.algorithm,
        "state": "signs" if record == signing(records, now) else unused,
        "signs_from": _time(record.signs_from),
        "published_until": None if record.ends is None else _time(record.ends),
    }


def _show(records: Records) -> None:
    now = system_clock()
    click.echo(json.dumps([described(one, records, now) for one in published(records, now)], indent=2))


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _vault(settings: Settings, store: Store) -> KeyVault:
    return key_vault(store.signing_keys, master_of(settings))


def _kept_in_store(config: Path) -> Settings:
    settings = load_or_exit(config)
    if settings.tokens.signing.keys:
        click.echo("gatepost: the keys are files (tokens.signing.keys): put another first there", err=True)
        sys.exit(1)
    return settings
