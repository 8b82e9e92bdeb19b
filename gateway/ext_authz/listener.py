"""What answers on a listener with `ext_authz: grpc`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.ext_authz.authorization import Authorization
from gateway.ext_authz.check_messages import CHECK
from gateway.ext_authz.connection import GrpcConnection
from gateway.server.connection_manager import ConnectionManager


def grpc_protocol(
    authorization: Authorization, connections: ConnectionManager, header_timeout: float
) -> Callable[[], asyncio.Protocol]:
    """Makes the protocol of a connection on which proxies ask. `header_timeout`: seconds for a first call."""
    methods = {CHECK: authorization.check}
    loop = asyncio.get_running_loop
    return lambda: GrpcConnection(connections, methods, header_timeout, loop())
