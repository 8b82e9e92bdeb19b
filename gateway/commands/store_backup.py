"""`gatepost store export` and `import`: clients, applications, people and signing keys as one sealed file."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway.assembly.tokens import configured_keys, encrypted_keys
from gateway.commands.options import config_option, load_or_exit, prints_json
from gateway.commands.sealed_file import SealedFileError, seal, unseal
from gateway.commands.store_access import with_store
from gateway.config.model import Settings
from gateway.signing.encrypted_keys import KeysUnreadable
from gateway.store import Store
from gateway.store.backup import ImportOutcome, RecordBackup

FORMAT = 1
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    default=None,
    help="Seal with the passphrase in this file, not with the master key.",
)


@click.command("export")
@config_option
@passphrase_option
@click.argument("file", type=click.Path(path_type=Path))
@prints_json
def export_store(config: Path, passphrase_file: Path | None, file: Path) -> None:
    """Write clients, applications, users and signing keys into FILE, which must not exist yet.

    It is encrypted with the master key of tokens.keys, or with a passphrase. Tokens and sessions are not in
    it.
    """
    settings = load_or_exit(config)
    passphrase = _passphrase(passphrase_file)
    content = with_store(settings, lambda store: _collect(settings, store))
    data = seal(json.dumps(content), passphrase, configured_keys(settings), secrets.token_bytes)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(data)
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    click.echo(json.dumps(_counts(content), indent=2))


@click.command("import")
@config_option
@passphrase_option
@click.option("--overwrite", is_flag=True, help="Replace what is there and differs.")
@click.argument("file", type=click.Path(path_type=Path))
@prints_json
def import_store(config: Path, passphrase_file: Path | None, overwrite: bool, file: Path) -> None:
    """Put what `store export` has written into the store.

    If anything of the same name is there and differs, nothing is written, unless --overwrite is given.
    """
    settings = load_or_exit(config)
    content = _read_file(file, _passphrase(passphrase_file), settings)

    async def work(store: Store) -> ImportOutcome:
        return await _restore(settings, store, content, overwrite=overwrite)

    outcome = with_store(settings, work)
    click.echo(json.dumps(asdict(outcome), indent=2))
    if outcome.conflicts and not overwrite:
        _fail("nothing was imported: what is listed under `conflicts` is there and differs (--overwrite)")


async def _collect(settings: Settings, store: Store) -> dict[str, Any]:
    backup = RecordBackup(store.link, store.names, store.mac)
    encrypted = encrypted_keys(store.signing_keys, configured_keys(settings))
    return {"format": FORMAT, "records": await backup.read(), "signing_keys": await encrypted.export()}


async def _restore(
    settings: Settings, store: Store, content: dict[str, Any], *, overwrite: bool
) -> ImportOutcome:
    encrypted = encrypted_keys(store.signing_keys, configured_keys(settings))
    keys = content["signing_keys"]
    try:
        there = await encrypted.export()
    except KeysUnreadable:
        there = ""  # others, which can't be read with this master key
    differ = keys is not None and there is not None and there != keys
    backup = RecordBackup(store.link, store.names, store.mac)
    if differ and not overwrite:
        known = await backup.write({}, overwrite=False)
        return ImportOutcome({}, known.same, ["signing keys"])
    outcome = await backup.write(content["records"], overwrite=overwrite)
    if outcome.conflicts and not overwrite:
        return outcome
    if keys is not None and there != keys:
        await encrypted.replace_with(keys)
        outcome.written["signing_keys"] = 1
    return outcome


def _counts(content: dict[str, Any]) -> dict[str, int]:
    counts = {kind: len(records) for kind, records in content["records"].items()}
    return {**counts, "signing_keys": int(content["signing_keys"] is not None)}


def _read_file(file: Path, passphrase: str | None, settings: Settings) -> dict[str, Any]:
    try:
        text = unseal(file.read_text(encoding="utf-8"), passphrase, configured_keys(settings))
        content: dict[str, Any] = json.loads(text)
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    except (SealedFileError, ValueError) as error:
        _fail(f"{file}: {error}")
    if content.get("format") != FORMAT:
        _fail(f"{file}: it is of another version of Gatepost")
    return content


def _passphrase(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        passphrase = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    if not passphrase:
        _fail(f"{file}: it has no passphrase")
    return passphrase


def _fail(text: str) -> NoReturn:
    click.echo(f"gatepost: {text}", err=True)
    sys.exit(1)
