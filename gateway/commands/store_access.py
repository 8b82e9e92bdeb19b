"""Store access for commands: the running store, or the embedded one started for the command."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from getpass import getuser
from typing import TypeVar

import click

from gateway.assembly.audit import audited
from gateway.assembly.notices import told
from gateway.assembly.store import make_store
from gateway.assembly.tokens import configured_keys
from gateway.config.model import Settings
from gateway.errors import GatepostError
from gateway.signing.key_check import KeyCheck
from gateway.signing.master_keys import MasterKeys
from gateway.store import Store
from gateway.store.embedded import EmbeddedStore, running_url

Result = TypeVar("Result")


def with_store(
    settings: Settings, work: Callable[[Store], Awaitable[Result]], *, check_key: bool = True
) -> Result:
    """Runs `work` with an open store. Errors are printed in one line and exit with status 1.

    `check_key`: refuse if the master key does not match the store.
    """
    try:
        with _url(settings) as url:
            return asyncio.run(_work(settings, url, work, check_key=check_key))
    except (GatepostError, ValueError) as error:
        click.echo(f"gatepost: {error}", err=True)
        sys.exit(1)


@contextmanager
def _url(settings: Settings) -> Iterator[str]:
    if settings.store.url != "embedded":
        yield settings.store.url
        return
    url = running_url(settings.server.state_dir)
    if url is not None:
        yield url
        return
    embedded = EmbeddedStore(settings.server.state_dir)
    url = embedded.start()
    try:
        yield url
    finally:
        embedded.stop()


async def _work(
    settings: Settings, url: str, work: Callable[[Store], Awaitable[Result]], *, check_key: bool
) -> Result:
    keys = configured_keys(settings)
    async with _open_store(settings, url, keys) as store:
        if check_key:
            await KeyCheck(store.key_check, keys).check()
        async with audited(settings, store, f"cli:{getuser()}"), told(settings, store):
            return await work(store)


@asynccontextmanager
async def _open_store(settings: Settings, url: str, keys: MasterKeys) -> AsyncIterator[Store]:
    store = make_store(settings, url, keys)
    await store.start()
    try:
        yield store
    finally:
        await store.stop()
