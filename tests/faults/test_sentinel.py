"""A gateway whose primary dies: Sentinels promote a replica, and the gateway follows."""

from __future__ import annotations

from tests.faults.conftest import StartCaller
from tests.faults.stage import seconds_until
from tests.topologies import sentinel_set, wait_for


async def test_a_failover_by_sentinel_is_followed_and_ends_no_token(start: StartCaller) -> None:
    with sentinel_set() as servers:
        caller = await start(servers.url, workers=2)
        kept, revoked = await caller.token(600), await caller.token(700)
        assert [await caller.use(one) for one in (kept, revoked)] == [200, 200]
        assert (await caller.revoke(revoked)) == 200
        with servers.first.client as client:
            # What comes later in the stream of changes has everything before it.
            client.set("marker", "1")
            wait_for(lambda: client.wait(1, 1000) == 1)

        servers.first.kill()

        async def healed() -> bool:
            return await caller.use(kept) == 200 and await caller.issue() == 200

        await seconds_until(healed)
        assert await caller.use(revoked) == 401
        # The Sentinels tell each other of the new primary a moment later.
        wait_for(lambda: servers.primary_port() == servers.second.port)
