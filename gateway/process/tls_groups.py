"""Which groups (curves) a TLS server offers for the key exchange."""

from __future__ import annotations

import ctypes
import ssl
import sys

from gateway.config.tls_parameters import GROUPS

_SET_GROUPS_LIST = 92
"""SSL_CTRL_SET_GROUPS_LIST in OpenSSL's ssl.h: what its macro SSL_CTX_set1_groups_list calls."""


def set_groups(context: ssl.SSLContext) -> None:
    """Limits the server to `GROUPS`.

    Where a list can't be set it is P-256 alone: RFC 8446 section 9.1 obliges every TLS client to have it.
    """
    if hasattr(context, "set_groups"):  # Python 3.15
        context.set_groups(":".join(GROUPS))
    elif not _set_by_openssl(context):
        context.set_ecdh_curve("prime256v1")


def _set_by_openssl(context: ssl.SSLContext) -> bool:
    """Asks OpenSSL itself, as `ssl` can only set a single curve before Python 3.15. False: it could not."""
    library = _openssl()
    if library is None:
        return False
    control = library.SSL_CTX_ctrl
    control.restype, control.argtypes = (
        ctypes.c_long,
        [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p],
    )
    # A context of CPython begins with the object's head; the next member is the pointer to the SSL_CTX.
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    return bool(control(pointer, _SET_GROUPS_LIST, 0, ":".join(GROUPS).encode()) == 1)


def _openssl() -> ctypes.CDLL | None:
    """The OpenSSL that the module `ssl` uses; None where it can't be told from another one in the process."""
    module = sys.modules.get("_ssl")
    file = getattr(module, "__file__", None)
    if sys.implementation.name != "cpython" or file is None:
        return None
    try:
        library = ctypes.CDLL(file)
        version = library.OpenSSL_version_num
        version.restype, version.argtypes = ctypes.c_ulong, []
        same = version() == ssl.OPENSSL_VERSION_NUMBER and hasattr(library, "SSL_CTX_ctrl")
    except (OSError, AttributeError):
        return None
    return library if same else None
