"""Which groups (curves) a TLS server offers for the key exchange."""

from __future__ import annotations

import ssl

from gateway.config.tls_parameters import GROUPS
from gateway.process.openssl import control

_SET_GROUPS_LIST = 92
"""SSL_CTRL_SET_GROUPS_LIST in OpenSSL's ssl.h: what its macro SSL_CTX_set1_groups_list calls."""


def set_groups(context: ssl.SSLContext) -> None:
    """Limits the server to `GROUPS`.

    Where a list can't be set it is P-256 alone: RFC 8446 section 9.1 obliges every TLS client to have it.
    """
    if hasattr(context, "set_groups"):  # Python 3.15
        context.set_groups(":".join(GROUPS))
    elif control(context, _SET_GROUPS_LIST, 0, ":".join(GROUPS).encode()) != 1:
        # Before 3.15, `ssl` can only set a single curve.
        context.set_ecdh_curve("prime256v1")
