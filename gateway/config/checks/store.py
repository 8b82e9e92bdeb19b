"""Checks of the store."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.files import client_tls_findings
from gateway.config.model import Settings
from gateway.config.problems import KeyPath
from gateway.config.store import TLS_FILES, tls_files


def prefix_without_hash_tag(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """In a cluster the gateway sets the hash tags of keys: another one before them would take their place."""
    path: KeyPath = ("store", "prefix")
    scheme = settings.store.url.partition("://")[0]
    if scheme.endswith("+cluster") and {"{", "}"} & set(settings.store.prefix):
        text = "must not have { or } with redis+cluster://: the gateway sets the hash tags of keys itself"
        yield CheckFinding(path, text, depends=(path, ("store", "url")))


def tls_files_usable(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The files that store.url names are certificates and a key."""
    named = tls_files(settings.store.url)
    options = dict(zip(("ca", "certificate", "key"), TLS_FILES, strict=True))
    for finding in client_tls_findings((), context, *(named.get(option) for option in TLS_FILES)):
        yield CheckFinding(("store", "url"), f"{options[str(finding.path[0])]}: {finding.text}")
