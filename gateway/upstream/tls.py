"""The gateway as a TLS client."""

from __future__ import annotations

import asyncio
import ssl

from gateway.upstream.settings import TlsSettings


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """Verifies the server's certificate and name, unless told not to; TLS 1.2 at least.

    Raises:
        OSError: a file can't be read or is not what it should be (also ssl.SSLError).
        ValueError: the private key is locked with a password.
    """
    context = ssl.create_default_context(cafile=settings.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.certificate is not None:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
    return context


def _no_password() -> str:
    # Without this, OpenSSL would ask on the terminal and wait.
    raise ValueError("the private key is locked with a password")


def cut_short(transport: asyncio.Transport) -> bool:
    """Whether an end that has closed did not say so by TLS. Without TLS nobody can know.

    RFC 9112 section 9.8: without a closure alert, the connection's end is not the end of a body. Anybody on
    the way could have cut it short.
    """
    secure = transport.get_extra_info("ssl_object")
    if secure is None:
        return False
    try:
        return bool(secure.read(1))
    except ssl.SSLZeroReturnError:  # both ends have said so; where this one has not, nothing is read
        return False
    except ssl.SSLError:
        return True
