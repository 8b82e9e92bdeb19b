import asyncio

from gateway.store import RedisConnection, ReplayCache
from gateway.store.key_names import KeyNames
from tests.conftest import Valkey
from tests.store.stage import linked


async def test_only_the_first_use_is_the_first(link: RedisConnection, prefix: str) -> None:
    once = ReplayCache(link, KeyNames(prefix))
    assert await once.first("dpop", "a", 60)
    assert not await once.first("dpop", "a", 60)
    assert await once.first("dpop", "b", 60)
    assert await once.first("other", "a", 60)


async def test_of_many_at_once_on_two_workers_one_is_the_first(valkey: Valkey, prefix: str) -> None:
    async with linked(valkey.url) as one, linked(valkey.url) as other:
        workers = [ReplayCache(one, KeyNames(prefix)), ReplayCache(other, KeyNames(prefix))]
        uses = [worker.first("dpop", "a", 60) for worker in workers * 50]
        assert sum(await asyncio.gather(*uses)) == 1


async def test_nothing_is_kept_longer_than_it_could_be_used(
    valkey: Valkey, link: RedisConnection, prefix: str
) -> None:
    await ReplayCache(link, KeyNames(prefix)).first("dpop", "a \ud800 \n*", 90)
    (key,) = valkey.client.keys(f"{prefix}*")
    assert 70 <= valkey.client.ttl(key) <= 90
    await ReplayCache(link, KeyNames(prefix)).first("dpop", "b", 0)
    assert all(0 < valkey.client.ttl(key) <= 90 for key in valkey.client.keys(f"{prefix}*"))
