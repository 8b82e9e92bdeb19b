"""Servers behind TLS, on Unix sockets, and behind names."""

from __future__ import annotations

import pytest

from tests.e2e.upstreams.conftest import Special
from tests.e2e.upstreams.stage import Stage, request


async def test_a_unix_socket(stage: Stage, special: Special) -> None:
    special.on_socket.reset()
    (reply,) = await stage.ask(request("/socket/x"))
    assert reply.content == b"hello"
    assert (await special.on_socket.next()).target == "/x"


async def test_https_with_an_own_ca_a_client_certificate_and_another_name(
    stage: Stage, special: Special
) -> None:
    special.names.clear()
    (reply,) = await stage.ask(request("/secure"))
    assert (reply.status, reply.content) == (200, b"hello")
    assert special.names == ["orders.internal"]


@pytest.mark.parametrize("name", ["unknown", "misnamed", "untrusted"])
async def test_nothing_is_said_to_a_server_that_is_not_the_right_one(
    stage: Stage, special: Special, name: str
) -> None:
    special.secure.reset()
    (reply,) = await stage.ask(request(f"/{name}"))
    assert reply.status == 502
    assert special.secure.requests == []
