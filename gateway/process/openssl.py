"""What OpenSSL can do with a TLS context and the module `ssl` can't: by OpenSSL's own functions."""

from __future__ import annotations

import ctypes
import ssl
import sys


def control(context: ssl.SSLContext, command: int, number: int, data: bytes | None) -> int | None:
    """Calls SSL_CTX_ctrl, which OpenSSL's macros in ssl.h do. None: it can't be called."""
    library = library_of_ssl()
    if library is None:
        return None
    called = library.SSL_CTX_ctrl
    called.restype = ctypes.c_long
    called.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_char_p]
    return int(called(_pointer_to(context), command, number, data))


def set_session_lifetime(context: ssl.SSLContext, seconds: int) -> bool:
    """For how long its sessions can be resumed (SSL_CTX_set_timeout). False: it can't be called."""
    library = library_of_ssl()
    if library is None:
        return False
    called = library.SSL_CTX_set_timeout
    called.restype, called.argtypes = ctypes.c_long, [ctypes.c_void_p, ctypes.c_long]
    called(_pointer_to(context), seconds)
    return True


def _pointer_to(context: ssl.SSLContext) -> ctypes.c_void_p:
    """The SSL_CTX of a context."""
    # A context of CPython begins with the object's head; the next member is the pointer to the SSL_CTX.
    return ctypes.c_void_p.from_address(id(context) + object.__basicsize__)


def library_of_ssl() -> ctypes.CDLL | None:
    """The OpenSSL that the module `ssl` uses; None where it can't be told from another one in the process."""
    module = sys.modules.get("_ssl")
    file = getattr(module, "__file__", None)
    if sys.implementation.name != "cpython" or file is None:
        return None
    try:
        library = ctypes.CDLL(file)
        version = library.OpenSSL_version_num
        version.restype, version.argtypes = ctypes.c_ulong, []
        same = version() == ssl.OPENSSL_VERSION_NUMBER
        known = all(hasattr(library, name) for name in ("SSL_CTX_ctrl", "SSL_CTX_set_timeout"))
    except (OSError, AttributeError):
        return None
    return library if same and known else None
