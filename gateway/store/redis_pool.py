"""Connections for what is not on the hot path: redis-py's own client, with bounds on everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from gateway.errors import StoreUnavailable
from gateway.store.address import Address
from gateway.store.handshake import CLIENT_NAME
from gateway.store.refusal import Refused


class RedisPool:
    """A bounded pool of connections; each wait in it ends after `timeout` seconds."""

    def __init__(self, address: Address, *, timeout: float, size: int) -> None:
        self._redis = Redis.from_pool(
            BlockingConnectionPool(
                max_connections=size,
                timeout=timeout,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                # A second attempt would double the time-out, and what was sent may have been done.
                retry=Retry(NoBackoff(), 0),
                username=address.username,
                password=address.password,
                db=address.db,
                client_name=CLIENT_NAME,
                **_transport(address),
            )
        )

    @contextmanager
    def client(self, doing: str) -> Iterator[Redis]:
        """The client, for a `with` around its commands: what goes wrong with it becomes StoreUnavailable."""
        try:
            yield self._redis
        except ResponseError as error:
            raise Refused(doing, str(error)) from None
        except (RedisError, OSError) as error:
            raise StoreUnavailable(
                f"the store can't be reached for {doing}: {type(error).__name__}"
            ) from None

    async def close(self) -> None:
        """Closes every connection."""
        await self._redis.aclose()


def _transport(address: Address) -> dict[str, Any]:
    if address.path is not None:
        return {"connection_class": UnixDomainSocketConnection, "path": address.path}
    if not address.tls:
        return {"host": address.host, "port": address.port}
    return {
        "connection_class": SSLConnection,
        "host": address.host,
        "port": address.port,
        "ssl_ca_certs": address.ca_certs,
        "ssl_certfile": address.certfile,
        "ssl_keyfile": address.keyfile,
        "ssl_cert_reqs": "required" if address.verify else "none",
        "ssl_check_hostname": address.check_hostname and address.verify,
    }
