"""What kind of connection a client gets."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from gateway.assembly.overseers import overseer
from gateway.config.server import Server
from gateway.proxy.arrival import MAX_HEADERS
from gateway.web.connection import GatewayConnection
from gateway.web.lane_connection import LaneConnection
from gateway.web.server import GatewayServer


async def handle(request: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError


def served(lane: Any) -> GatewayServer:
    made = web.Server(handle)
    options = {"header_timeout": 1.0, "clock": lambda: 0.0, "new_id": lambda: "id"}
    return GatewayServer(made, lane=lane, overseer=overseer(Server()), **options)


@pytest.mark.parametrize(("lane", "kind"), [(None, GatewayConnection), (object(), LaneConnection)])
async def test_the_lane_can_be_switched_off(lane: Any, kind: type[GatewayConnection]) -> None:
    assert type(served(lane)()) is kind


async def test_the_gateway_refuses_too_many_headers_before_aiohttp_does() -> None:
    assert served(None)().max_headers > MAX_HEADERS


async def test_a_server_begins_without_farewell() -> None:
    assert asyncio.get_running_loop()
    assert not served(None).leaving
