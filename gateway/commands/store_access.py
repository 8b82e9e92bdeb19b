"""The store, opened for one command: a running gateway's, or the embedded one started for the moment."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import click

from gateway.config.model import Settings
from gateway.errors import GatepostError
from gateway.store import Store
from gateway.store.embedded import EmbeddedStore, running_url

Result = TypeVar("Result")


def with_store(settings: Settings, work: Callable[[Store], Awaitable[Result]]) -> Result:
    """Does `work` on the store. What goes wrong is said in a line, and the command ends with 1."""
    try:
        with _url(settings) as url:
            return asyncio.run(_work(settings, url, work))
    except (GatepostError, ValueError) as error:
        click.echo(f"gatepost: {error}", err=True)
        sys.exit(1)


@contextmanager
def _url(settings: Settings) -> Iterator[str]:
    if settings.store.url != "embedded":
        yield settings.store.url
        return
    found = running_url(settings.server.state_dir)
    if found is not None:
        yield found
        return
    embedded = EmbeddedStore(settings.server.state_dir)
    url = embedded.start()
    try:
        yield url
    finally:
        embedded.stop()


async def _work(settings: Settings, url: str, work: Callable[[Store], Awaitable[Result]]) -> Result:
    async with _opened(settings, url) as store:
        return await work(store)


@asynccontextmanager
async def _opened(settings: Settings, url: str) -> AsyncIterator[Store]:
    store = Store(url, settings.store.prefix, settings.store.timeout)
    await store.start()
    try:
        yield store
    finally:
        await store.stop()
