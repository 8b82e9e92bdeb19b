"""The management address at a restart: a gateway that shuts down gives it up, nobody else does."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp.test_utils import TestServer

from gateway.process.listeners import AddressInUseError, ListenAddress
from gateway.process.management import DRAINING, RELEASED, management_app
from gateway.process.predecessor import ask_to_release, bind_after_predecessor
from gateway.process.readiness import Readiness
from gateway.telemetry import Telemetry


async def ready() -> Readiness:
    return Readiness()


async def test_only_a_gateway_that_shuts_down_releases_its_address() -> None:
    app = management_app(ready, Telemetry())
    async with TestServer(app) as server:
        assert server.port is not None
        address = ListenAddress("127.0.0.1", server.port)
        assert not await asyncio.to_thread(ask_to_release, address)
        assert not app[RELEASED].is_set()
        app[DRAINING].set()
        assert await asyncio.to_thread(ask_to_release, address)
        assert app[RELEASED].is_set()
    assert await asyncio.to_thread(ask_to_release, address), "it has gone by itself"


async def test_it_is_asked_until_the_address_is_free() -> None:
    app = management_app(ready, Telemetry())
    app[DRAINING].set()
    tries: list[None] = []

    def bind() -> str:
        tries.append(None)
        if len(tries) < 3:
            raise AddressInUseError("in use")
        return "bound"

    async with TestServer(app) as server:
        assert server.port is not None
        address = ListenAddress("127.0.0.1", server.port)
        assert await asyncio.to_thread(bind_after_predecessor, address, bind) == "bound"
    assert len(tries) == 3


async def test_an_address_that_somebody_else_has_is_an_error_at_once() -> None:
    def bind() -> str:
        raise AddressInUseError("in use")

    async with TestServer(management_app(ready, Telemetry())) as server:
        assert server.port is not None
        address = ListenAddress("127.0.0.1", server.port)
        with pytest.raises(AddressInUseError):
            await asyncio.to_thread(bind_after_predecessor, address, bind)
