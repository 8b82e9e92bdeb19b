"""Checks of the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.files import client_tls_findings
from gateway.config.model import Settings
from gateway.config.problems import KeyPath

TLS = ("rediss:", "rediss+", "valkeys:", "valkeys+")
TLS_OPTIONS = {"ca": "ssl_ca_certs", "certificate": "ssl_certfile", "key": "ssl_keyfile"}


def prefix_without_hash_tag(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """In a cluster the gateway sets the hash tags of keys: another one before them would take their place."""
    path: KeyPath = ("store", "prefix")
    scheme = settings.store.url.partition("://")[0]
    if scheme.endswith("+cluster") and {"{", "}"} & set(settings.store.prefix):
        text = "must not have { or } with redis+cluster://: the gateway sets the hash tags of keys itself"
        yield CheckFinding(path, text, depends=(path, ("store", "url")))


def tls_files_usable(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The files that store.url names are certificates and a key."""
    url = settings.store.url
    if not url.lower().startswith(TLS):
        return
    options = dict(parse_qsl(url.partition("?")[2]))
    files = [Path(options[name]) if name in options else None for name in TLS_OPTIONS.values()]
    for finding in client_tls_findings((), context, *files):
        yield CheckFinding(("store", "url"), f"{TLS_OPTIONS[str(finding.path[0])]}: {finding.text}")
