"""What aiohttp trusts by itself, read when it is used.

aiohttp reads the system's CAs twice when it is imported: 1.8 MiB, and a twentieth of a gateway's start. Only
notices and plugins that make requests of their own rely on that. It also reads the system's list of media
types, another 0.4 MiB, for files that it would serve; Python's own list knows those of the web.
"""

from __future__ import annotations

import mimetypes
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
    """Imports aiohttp without reading what the system has. To be called while there is one thread."""
    with _nothing_of_the_system():
        from aiohttp import connector, web  # noqa: F401, PLC0415 (what it is imported in is the point)
    for found in tuple(vars(connector).values()):
        if type(found) is ssl.SSLContext and found.verify_mode is ssl.CERT_REQUIRED:
            found.__class__ = SystemTrust


@contextmanager
def _nothing_of_the_system() -> Iterator[None]:
    before, lists = {name: os.environ.get(name) for name in _PLACES}, mimetypes.knownfiles[:]
    os.environ.update(dict.fromkeys(_PLACES, os.devnull))
    mimetypes.knownfiles.clear()
    try:
        yield
    finally:
        mimetypes.knownfiles.extend(lists)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
