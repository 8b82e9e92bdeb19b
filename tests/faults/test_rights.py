"""Users with few rights, and servers that know little."""

from __future__ import annotations

import pytest

from gateway.store.rights import CORE, FEATURES, acl_rules
from tests.conftest import Valkey
from tests.faults.conftest import StartCaller
from tests.faults.stage import PREFIX, Caller, seconds_until
from tests.web_gateway import ask_for_token

LIMIT = {"use": "rate_limit", "with": {"limit": 1000, "per": "1m", "by": "client"}}


def login(server: Valkey, rules: list[str]) -> str:
    with server.client as other:
        other.execute_command("ACL", "SETUSER", "gatepost", "on", ">pw", *rules)
    return f"unix://gatepost:pw@{server.path}"


async def everything(caller: Caller) -> None:
    """Tokens are issued, given out again, judged, introspected, refused and revoked."""
    client = await caller.gateway.connect()
    token = await caller.token()
    assert await caller.token() == token
    assert await caller.use(token) == 200
    assert await caller.use(await caller.token(600)) == 200
    assert await caller.use("unknown") == 401
    assert (await ask_for_token(client, who="demo:wrong")).status == 401
    assert (await caller.revoke(token)) == 200
    assert await seconds_until(lambda: refused(caller, token)) < 10
    await client.close()


async def refused(caller: Caller, token: str) -> bool:
    return await caller.use(token) == 401


async def test_a_user_with_exactly_the_documented_rights_is_refused_nothing(
    own_valkey: Valkey, start: StartCaller
) -> None:
    caller = await start(login(own_valkey, acl_rules(PREFIX)), plugins=[LIMIT], tokens={"format": "jwt"})
    await everything(caller)
    assert (await caller.ready("?strict"))[0] == 200
    with own_valkey.client as other:
        assert other.acl_log() == []
    assert not caller.gateway.found("a right is missing|refused")


async def test_with_the_rights_of_the_core_alone_everything_works_and_each_right_that_is_missing_is_one_line(
    own_valkey: Valkey, start: StartCaller
) -> None:
    caller = await start(login(own_valkey, acl_rules(PREFIX, [CORE])), plugins=[LIMIT])
    for _ in range(2):
        await everything(caller)
    # The limits try again and again.
    await seconds_until(lambda: _found(caller, "may not run the command subscribe"))
    await seconds_until(lambda: _found(caller, "each request asks the store"))
    lines = [line for line in caller.gateway.lines[:] if "a right is missing" in line]
    assert len(lines) == len(set(lines))
    denied = {command for feature in FEATURES if feature is not CORE for command in feature.commands}
    assert all(any(command.replace("|", " ") in line for command in denied) for line in lines)
    assert sum("each request asks the store" in line for line in caller.gateway.lines) == 1


async def _found(caller: Caller, words: str) -> bool:
    return caller.gateway.found(words) is not None


@pytest.mark.parametrize("fast_path", [True, False], ids=["fast_path", "aiohttp"])
async def test_a_server_without_resp3_serves_everything_without_caches(
    start: StartCaller, fast_path: bool
) -> None:
    old = Valkey("--rename-command", "HELLO", "", "--requirepass", "pw")
    old.start()
    try:
        caller = await start(f"unix://:pw@{old.path}", fast_path=fast_path)
        await everything(caller)
        assert (await caller.ready("?strict"))[0] == 200
        await caller.gateway.line("the server knows no RESP3")
    finally:
        await caller.close()
        caller.gateway.stop()
        old.remove()
