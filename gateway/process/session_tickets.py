"""TLS session tickets: who comes again need not prove anew who it is (RFC 8446 section 2.2).

OpenSSL encrypts tickets with random keys of a context. Once a certificate has been renewed, each worker has
a context of its own, and a client comes back to any of them. So keys are derived from a secret that workers
inherit from their supervisor, and from the content of the files: certificate, key and client CAs. Where one
of them has changed, no earlier ticket is taken, so that a client certificate of a CA that is not trusted any
more is of no use. Listeners whose files differ never take each other's tickets.
"""

from __future__ import annotations

import ssl

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.process.openssl import control, set_session_lifetime

KEY_PERIOD = 86_400
"""Seconds after which other keys are used. RFC 9325 section 3.4: they must be changed regularly."""
CLIENT_CERTIFICATE_LIFETIME = 300
"""Seconds for which a ticket stands for a client certificate, which is not verified again: nginx's
`ssl_session_timeout`. Without client certificates it is OpenSSL's two hours."""
TICKETS = 1
"""New tickets of a full handshake (RFC 8446 section 4.6.1): each connection leaves one for its successor."""
_KEY_BYTES = 80
"""A name of 16 bytes, an HMAC key and an AES key of 32 each."""
_SET_TICKET_KEYS = 59
"""SSL_CTRL_SET_TLSEXT_TICKET_KEYS in OpenSSL's ssl.h."""


def ticket_keys(secret: bytes, content: bytes, now: float) -> bytes:
    """The keys for files with this content, at a time in seconds since the epoch."""
    info = b"gatepost session tickets %d %b" % (key_period(now), content)
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(secret)


def key_period(now: float) -> int:
    """Which keys are in use. `now`: seconds since the epoch."""
    return int(now // KEY_PERIOD)


def prepare_tickets(context: ssl.SSLContext, keys: bytes, *, client_certificates: bool) -> None:
    """For a context that has not been used yet.

    Where OpenSSL can't be told, a context that asks for client certificates gives out no tickets, and others
    have keys of their own.
    """
    context.num_tickets = TICKETS
    done = control(context, _SET_TICKET_KEYS, _KEY_BYTES, keys) == 1
    if client_certificates and not (done and set_session_lifetime(context, CLIENT_CERTIFICATE_LIFETIME)):
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
