"""Asking Sentinels of which some hang or are gone."""

from __future__ import annotations

import asyncio

from gateway.store import parse_address
from gateway.store.sentinel_answers import NO_CREDENTIALS
from gateway.store.sentinels import Sentinels
from tests.topologies import Node, sentinel_set


async def test_sentinels_that_hang_or_are_gone_do_not_hide_what_the_others_say() -> None:
    with sentinel_set() as servers:
        sentinels = Sentinels(parse_address(servers.url), NO_CREDENTIALS, timeout=1.0)
        answers, _ = await sentinels.ask()
        assert [one.primary for one in answers] == [("127.0.0.1", servers.first.port)] * 3
        servers.sentinels[0].kill()
        servers.sentinels[1].freeze()
        answers, _ = await sentinels.ask()
        assert [one.primary for one in answers] == [("127.0.0.1", servers.first.port)]
        servers.sentinels[2].freeze()
        answers, problem = await sentinels.ask()
        assert answers == []
        assert f"Sentinel {servers.sentinels[0].host} can't be asked" in problem
        await sentinels.close()


async def test_a_server_that_is_no_sentinel_is_reported() -> None:
    server = Node()
    try:
        await asyncio.to_thread(server.start)
        sentinels = Sentinels(parse_address(f"redis+sentinel://{server.host}/m"), NO_CREDENTIALS, 1.0)
        answers, problem = await sentinels.ask()
        assert answers == []
        assert server.host in problem
        await sentinels.close()
    finally:
        server.remove()
