"""What aiohttp trusts by itself, read when it is used.

aiohttp reads the system's CAs twice when it is imported: 1.8 MiB, and a twentieth of a gateway's start. Only
notices and plugins that make requests of their own rely on that.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where OpenSSL looks instead of the system's places."""


class SystemTrust(ssl.SSLContext):
    """Trusts the system's CAs, and reads them before its first connection."""

    _complete = False

    def wrap_bio(self, *args: Any, **more: Any) -> ssl.SSLObject:
        """For a connection of an event loop."""
        if not self._complete:
            self.load_default_certs()
            self._complete = True
        return super().wrap_bio(*args, **more)


def import_aiohttp() -> None:
    """Imports aiohttp without reading the system's CAs. To be called while there is one thread."""
    with _no_certificates():
        from aiohttp import connector  # noqa: PLC0415 (what it is imported in is the point)
    for found in tuple(vars(connector).values()):
        if type(found) is ssl.SSLContext and found.verify_mode is ssl.CERT_REQUIRED:
            found.__class__ = SystemTrust


@contextmanager
def _no_certificates() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _PLACES}
    os.environ.update(dict.fromkeys(_PLACES, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
