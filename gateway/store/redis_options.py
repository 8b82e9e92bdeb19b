"""redis-py's options for a connection."""

from __future__ import annotations

from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.store.address import StoreAddress


def client_options(
    address: StoreAddress, timeout: float, *, username: str | None, password: str | None
) -> dict[str, Any]:
    """Time-outs, credentials and TLS of an address; without host and port."""
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        # A second attempt would double the time-out, and what was sent may have been done.
        "retry": Retry(NoBackoff(), 0),
        "username": username,
        "password": password,
        # RESP2 is what every server speaks. Nothing is sent that the commands don't need: a user with the
        # least rights may not use CLIENT.
        "protocol": 2,
        "driver_info": None,
    }
    if not address.tls:
        return options
    return options | {
        "ssl": True,
        "ssl_ca_certs": address.ca_certs,
        "ssl_certfile": address.certfile,
        "ssl_keyfile": address.keyfile,
        "ssl_cert_reqs": "required" if address.verify else "none",
        "ssl_check_hostname": address.check_hostname and address.verify,
    }
