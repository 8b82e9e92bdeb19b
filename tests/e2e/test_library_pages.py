"""A large configuration keeps no more of shared libraries in a worker than a small one."""

from __future__ import annotations

from functools import partial

from gateway.store.file_records import MANY
from tests.e2e.conftest import StartGateway, configuration
from tests.process.test_library_pages import has_little, pytestmark
from tests.raw import until

__all__ = ["pytestmark"]


async def test_of_many_clients_too(gateway: StartGateway) -> None:
    client = {"secrets": ["sha256:" + "0" * 64], "scopes": ["orders.read"]}
    clients = [client | {"id": f"client-{number}"} for number in range(MANY + 1)]
    running = gateway(configuration("http://127.0.0.1:9", clients=clients))
    await until(partial(has_little, running.pid))
