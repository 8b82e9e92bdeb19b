"""The least rights: each command that is sent has one, and none is granted for nothing."""

from __future__ import annotations

import re

import pytest

from gateway.store import StorePool, parse_address
from gateway.store.key_names import KeyNames
from gateway.store.rights import CORE, LIMITS, acl_rules, features_of, missing_rights
from tests.conftest import Valkey
from tests.store.stage import linked


def test_the_rules_grant_keys_and_channels_under_the_prefix_only() -> None:
    rules = acl_rules("shop:")
    assert rules[:3] == ["~shop:*", "&shop:*", "-@all"]
    assert "&shop:*" not in acl_rules("shop:", [CORE])
    assert "+select" in acl_rules("shop:", database=True)
    assert not [rule for rule in rules[3:] if not re.fullmatch(r"\+[a-z|]+", rule)]


def test_a_cluster_and_waiting_for_replicas_need_further_rights() -> None:
    alone = set(acl_rules("shop:", features_of()))
    assert alone == set(acl_rules("shop:"))
    cluster = set(acl_rules("shop:", features_of(cluster=True)))
    assert cluster - alone == {"+cluster|info", "+cluster|slots", "+asking", "+command"}
    assert set(acl_rules("shop:", features_of(replicas=1))) - alone == {"+wait"}


async def missing(server: Valkey) -> dict[str, list[str]]:
    """What the user `gatepost` lacks."""
    url = f"unix://gatepost:pw@{server.path}"
    address = parse_address(url)
    pool = StorePool(lambda: address)
    async with linked(url) as link:
        found = await missing_rights(link, pool, KeyNames("test:"))
    await pool.close()
    return found


async def test_a_user_with_these_rights_lacks_none(own_valkey: Valkey) -> None:
    with own_valkey.client as other:
        other.execute_command("ACL", "SETUSER", "gatepost", "on", ">pw", *acl_rules("test:"))
        assert await missing(own_valkey) == {}
        assert other.acl_log() == []
        assert other.keys() == []


@pytest.mark.parametrize("command", ["zadd", "client|tracking", "hget", "eval", "subscribe"])
async def test_a_right_that_is_missing_is_named(own_valkey: Valkey, command: str) -> None:
    with own_valkey.client as other:
        rules = [rule for rule in acl_rules("test:") if rule != f"+{command}"]
        other.execute_command("ACL", "SETUSER", "gatepost", "on", ">pw", *rules)
    assert [command] in (await missing(own_valkey)).values()


async def test_a_user_of_other_keys_lacks_everything_that_needs_a_key(own_valkey: Valkey) -> None:
    with own_valkey.client as other:
        other.execute_command("ACL", "SETUSER", "gatepost", "on", ">pw", *acl_rules("other:"))
    found = await missing(own_valkey)
    assert {"get", "set"} <= set(found["core"])
    assert "ping" not in found["core"]
    assert {"zadd", "publish", "subscribe"} <= set(found[LIMITS.name])
