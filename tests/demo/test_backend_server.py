"""The sample backend beside the demo."""

from contextlib import closing

import aiohttp
import pytest

from gateway.demo.backend_server import SampleBackend
from gateway.errors import StartError
from gateway.process.listeners import ListenAddress, listen
from tests.ports import free_port


async def test_it_answers_where_it_is_told_to_and_two_may_while_one_replaces_the_other() -> None:
    port = free_port()
    first, second = SampleBackend("127.0.0.1", port), SampleBackend("127.0.0.1", port)
    await first.start()
    await second.start()
    await first.stop()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/orders") as response,
    ):
        assert response.status == 200
    await second.stop()


async def test_a_port_in_use_is_a_clear_error() -> None:
    (taken,) = listen([ListenAddress("127.0.0.1", 0)])
    with closing(taken):
        backend = SampleBackend("127.0.0.1", taken.address.port)
        with pytest.raises(StartError, match=r"the sample backend can't listen on 127\.0\.0\.1:"):
            await backend.start()
        await backend.stop()
