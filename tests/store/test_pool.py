"""Connections that are made when somebody needs one."""

import subprocess
import sys

from gateway.store import StorePool, parse_address
from tests.conftest import Valkey
from tests.running import ROOT


async def test_it_serves_when_it_is_needed_and_can_be_closed_before(valkey: Valkey) -> None:
    unused = StorePool(lambda: parse_address(valkey.url))
    await unused.close()
    pool = StorePool(lambda: parse_address(valkey.url))
    with pool.client("a test") as redis:
        assert await redis.ping()
    await pool.close()


def test_a_gateway_starts_without_loading_redis_py() -> None:
    program = "import sys, gateway.commands.run; sys.exit('redis' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
