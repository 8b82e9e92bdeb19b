"""Checks of the store."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.model import Settings
from gateway.config.problems import KeyPath


def prefix_without_hash_tag(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """In a cluster the gateway sets the hash tags of keys: another one before them would take their place."""
    path: KeyPath = ("store", "prefix")
    scheme = settings.store.url.partition("://")[0]
    if scheme.endswith("+cluster") and {"{", "}"} & set(settings.store.prefix):
        text = "must not have { or } with redis+cluster://: the gateway sets the hash tags of keys itself"
        yield CheckFinding(path, text, depends=(path, ("store", "url")))
