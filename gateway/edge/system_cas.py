"""The CAs that the system trusts, as one file."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path

from gateway.export.envoy_clusters import SYSTEM_CAS

KNOWN = (
    SYSTEM_CAS,
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Debian, Red Hat, SUSE, and Alpine and macOS have it."""


def system_cas(known: Iterable[str] = KNOWN) -> Path:
    """OpenSSL's own where it is one file, else the first that is there."""
    own = ssl.get_default_verify_paths().cafile
    files = [Path(path) for path in (*([own] if own else []), *known)]
    return next((path for path in files if path.is_file()), Path(SYSTEM_CAS))
