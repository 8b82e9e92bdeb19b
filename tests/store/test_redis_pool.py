import asyncio
import ssl
import time
from functools import partial
from pathlib import Path

import pytest
import trustme

from gateway.errors import StoreUnavailable
from gateway.store import StorePool, parse_address
from tests.conftest import Valkey
from tests.store.stage import relay, until


async def get(pool: StorePool, key: str) -> object:
    with pool.client("a test") as redis:
        found: object = await redis.execute_command("GET", key)  # type: ignore[no-untyped-call]  # redis-py's
        return found


async def test_runs_commands_over_no_more_connections_than_allowed(valkey: Valkey, prefix: str) -> None:
    pool = StorePool(lambda: parse_address(valkey.url), size=2)
    with valkey.client as other:
        before = other.info("clients")["connected_clients"]
        await asyncio.gather(*(get(pool, f"{prefix}{n}") for n in range(40)))
        opened = other.info("clients")["connected_clients"] - before
    await pool.close()

    assert opened <= 2


async def test_a_store_that_is_away_or_hangs_is_unavailable_within_the_time_out(own_valkey: Valkey) -> None:
    pool = StorePool(lambda: parse_address(own_valkey.url), timeout=0.2, size=1)
    await get(pool, "k")
    own_valkey.freeze()
    begun = time.monotonic()
    hung = await asyncio.gather(*(get(pool, "k") for _ in range(3)), return_exceptions=True)
    took = time.monotonic() - begun
    own_valkey.kill()
    away = await asyncio.gather(get(pool, "k"), return_exceptions=True)
    own_valkey.start()
    back = await get(pool, "k")
    await pool.close()

    assert all(isinstance(error, StoreUnavailable) for error in [*hung, *away])
    assert took < 10, "not as long as a client waits by itself"
    assert back is None


async def test_an_error_reply_says_why_and_repeats_nothing(own_valkey: Valkey) -> None:
    pool = StorePool(lambda: parse_address(own_valkey.url))
    with own_valkey.client as other:
        other.config_set("maxmemory", 1)
    with pytest.raises(StoreUnavailable, match="refused a test") as full, pool.client("a test") as redis:
        await redis.set("k", "hidden")
    with pytest.raises(StoreUnavailable, match="refused a test") as unknown, pool.client("a test") as redis:
        await redis.execute_command("NONSENSE", "hidden")  # type: ignore[no-untyped-call]  # redis-py's
    await pool.close()

    assert "memory" in full.value.reason
    assert "hidden" not in unknown.value.reason


async def test_a_cancelled_caller_leaves_no_answer_behind(valkey: Valkey, prefix: str) -> None:
    pool = StorePool(lambda: parse_address(valkey.url), size=1)

    async def block() -> None:
        with pool.client("a test") as redis:
            await redis.blpop(f"{prefix}list", timeout=5)

    with valkey.client as other:
        other.set(f"{prefix}k", "right")
        gone = asyncio.create_task(block())
        await until(lambda: any(client["cmd"] == "blpop" for client in other.client_list()))
    gone.cancel()
    await asyncio.wait([gone])

    assert await get(pool, f"{prefix}k") == b"right"
    await pool.close()


async def test_logs_in_and_speaks_tls_as_the_address_says(own_valkey: Valkey, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    with own_valkey.client as other:
        other.config_set("requirepass", "hidden")

    async with relay(own_valkey, tls) as passing:
        at = f"localhost:{passing.port}/2?ssl_ca_certs={tmp_path}/ca.pem"
        right, wrong = (
            StorePool(partial(parse_address, f"rediss://:{word}@{at}")) for word in ("hidden", "wrong")
        )
        assert await get(right, "k") is None
        with pytest.raises(StoreUnavailable) as caught:
            await get(wrong, "k")
        await right.close()
        await wrong.close()

    assert "wrong" not in caught.value.reason


async def test_a_replica_is_not_asked_since_it_may_not_have_what_its_primary_has(own_valkey: Valkey) -> None:
    with own_valkey.client as other:
        other.set("k", "of the primary")
        pool = StorePool(lambda: parse_address(own_valkey.url))
        assert await get(pool, "k") == b"of the primary"
        pool.reset()
        other.replicaof("127.0.0.1", 1)
        with pytest.raises(StoreUnavailable):
            await get(pool, "k")
        other.replicaof("NO", "ONE")
        assert await get(pool, "k") == b"of the primary"
        await pool.close()
