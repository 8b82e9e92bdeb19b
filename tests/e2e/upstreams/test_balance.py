"""Which server takes a request."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.upstreams.stage import AIOHTTP_WAY, Stage, hangs, names_itself, request, until

BOTH_WAYS = pytest.mark.parametrize("way", [(), (AIOHTTP_WAY,)], ids=["fast_path", "aiohttp"])


@BOTH_WAYS
async def test_in_turn_by_weight(stage: Stage, way: tuple[str, ...]) -> None:
    asked = await stage.who(*[request("/weighted/x", *way)] * 16)
    assert Counter(asked) == {"a": 12, "b": 4}
    assert "aaaa" not in "".join(asked), "they are mixed"


async def test_the_less_busy_of_two(stage: Stage) -> None:
    stage.a.reset(hangs)

    async def one_hangs() -> bool:
        await (await stage.connect()).send(request("/least"))
        return bool(stage.a.requests)

    await until(one_hangs)
    await until(lambda: in_flight(stage, 1))
    # With two servers both are always compared, and one of them has a request more.
    assert set(await stage.who(*[request("/least")] * 10)) == {"b"}


async def in_flight(stage: Stage, number: int) -> bool:
    return sum((await stage.metric("gatepost_upstream_requests_in_flight", "least")).values()) == number


def by_key(number: int, *way: str) -> bytes:
    return request("/hashed", f"X-Key: {number}", *way)


@BOTH_WAYS
async def test_a_key_keeps_its_server_and_one_server_less_moves_only_its_share(
    stage: Stage, way: tuple[str, ...]
) -> None:
    async def healthy(number: int) -> bool:
        return sum((await stage.metric("gatepost_upstream_healthy", "hashed")).values()) == number

    keys = [by_key(number, *way) for number in range(60)]
    await until(lambda: healthy(3))
    before = await stage.who(*keys)
    assert set(before) == {"a", "b", "m"}
    assert min(Counter(before).values()) > 4, "each has about a third"
    assert await stage.who(*keys) == before
    stage.mortal.die()
    await until(lambda: healthy(2))
    meanwhile = await stage.who(*keys)
    assert [one for one, other in zip(before, meanwhile, strict=True) if one != other] == [
        "m" for one in before if one == "m"
    ]
    stage.reset()
    await until(lambda: healthy(3))
    assert await stage.who(*keys) == before


async def test_without_the_header_any_server_will_do(stage: Stage) -> None:
    assert len(set(await stage.who(*[request("/hashed")] * 40))) > 1


def from_address(number: int, *more: str) -> bytes:
    return request("/old/x?y", f"X-Forwarded-For: 192.0.2.{number}", *more)


@BOTH_WAYS
async def test_a_share_of_the_callers_goes_to_the_canary_and_stays(
    stage: Stage, way: tuple[str, ...]
) -> None:
    callers = [from_address(number, *way) for number in range(100)]
    sides = await stage.who(*callers)
    assert 25 < Counter(sides)["b"] < 75
    assert await stage.who(*callers) == sides
    assert {message.target for message in stage.a.requests} == {"/v1/x?y"}
    assert {message.target for message in stage.b.requests} == {"/v2/x?y"}


@BOTH_WAYS
async def test_a_header_decides_for_itself(stage: Stage, way: tuple[str, ...]) -> None:
    always = [from_address(number, "X-Canary: always", *way) for number in range(8)]
    never = [from_address(number, "X-Canary: never", *way) for number in range(8)]
    assert set(await stage.who(*always)) == {"b"}
    assert set(await stage.who(*never)) == {"a"}


async def test_a_canary_goes_by_client_on_both_ways_alike(stage: Stage) -> None:
    callers = range(30)
    fast_path = await stage.who(*[from_address(number) for number in callers])
    assert await stage.who(*[from_address(number, AIOHTTP_WAY) for number in callers]) == fast_path


@BOTH_WAYS
async def test_a_virtual_host_gets_its_own_name(stage: Stage, way: tuple[str, ...]) -> None:
    await stage.who(request("/named", *way), request("/weighted", *way))
    (named,) = (message for message in stage.a.requests if message.header("Host") != "api.example")
    assert named.header("Host") == "inner.example:81"
    assert named.header("X-Forwarded-Host") == "api.example"
    stage.a.reset(names_itself("a"))
