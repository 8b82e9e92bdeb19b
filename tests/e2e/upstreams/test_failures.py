"""Servers that die, hang, reset, answer nonsense and come back."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from time import monotonic

import pytest

from tests.e2e.upstreams.stage import (
    AIOHTTP_WAY,
    Stage,
    hangs,
    names_itself,
    problems,
    replies,
    request,
    resets,
    until,
)
from tests.raw import Conversation, RawMessage, answer

BAD = replies(answer("503 Service Unavailable", b"no"))


async def test_a_server_that_says_that_it_is_unwell_gets_no_requests(stage: Stage) -> None:
    stage.c.reset(BAD)

    async def healthy(number: int) -> bool:
        return sum((await stage.metric("gatepost_upstream_healthy", "checked")).values()) == number

    await until(lambda: healthy(1))
    assert set(await stage.who(*[request("/checked")] * 10)) == {"d"}
    stage.d.reset(BAD)
    await until(lambda: healthy(0))
    (refused,) = await stage.ask(request("/checked"))
    assert refused.status == 503
    assert json.loads(refused.content)["code"] == "303001"
    assert int(refused.header("Retry-After") or 0) >= 1
    stage.reset()
    await until(lambda: healthy(2))
    assert set(await stage.who(*[request("/checked")] * 4)) == {"c", "d"}


@pytest.mark.parametrize("way", [(), (AIOHTTP_WAY,)], ids=["fast_path", "aiohttp"])
async def test_a_breaker_opens_and_closes_again(stage: Stage, way: tuple[str, ...]) -> None:
    asked = request("/alone", *way)

    async def answers() -> bool:
        return (await stage.ask(asked))[0].status == 200

    await until(answers)
    stage.mortal.die()
    first, second, third = await stage.ask(asked, asked, asked)
    assert [first.status, second.status] == [502, 502]
    # Where the machine stood still for a second, the server was tried once more.
    for _ in range(3):
        if third.status == 502:
            (third,) = await stage.ask(asked)
    assert third.status == 503
    assert json.loads(third.content)["code"] == "303001"
    assert third.header("Retry-After") == "1"
    assert sum((await stage.metric("gatepost_upstream_breaker_open", "alone")).values()) == 1
    stage.reset()
    await until(answers)
    assert sum((await stage.metric("gatepost_upstream_breaker_open", "alone")).values()) == 0


async def test_a_dead_server_costs_no_request_while_another_lives(stage: Stage) -> None:
    stage.mortal.die()
    # Nothing has been sent where nobody listens: even POST may be sent again.
    posts = [request("/pair", *way, method="POST", body=b"x") for way in ((), (AIOHTTP_WAY,))]
    assert set(await stage.who(*[request("/pair"), *posts] * 4)) == {"b"}
    assert [message.body for message in stage.b.requests] == [b"", b"x", b"x"] * 4


@pytest.mark.parametrize("way", [(), (AIOHTTP_WAY,)], ids=["fast_path", "aiohttp"])
async def test_what_may_have_been_done_is_not_sent_again(stage: Stage, way: tuple[str, ...]) -> None:
    stage.a.reset(resets)
    (refused,) = await stage.ask(request("/reset", *way, method="POST", body=b"x"))
    assert refused.status == 502
    assert len(stage.a.requests) == 1
    stage.a.reset(resets)
    (refused,) = await stage.ask(request("/reset", *way))
    assert refused.status == 502
    assert len(stage.a.requests) == 2, "GET is sent again, once"


async def test_retries_do_not_make_an_outage_worse(stage: Stage) -> None:
    stage.a.reset(BAD)
    stage.b.reset(BAD)
    answers = await stage.ask(*[request("/outage")] * 100)
    assert {message.status for message in answers} == {503}
    reached = len(stage.a.requests) + len(stage.b.requests)
    # A reserve of ten, and a fifth of a hundred.
    assert 100 < reached <= 131


async def test_a_server_that_has_recovered_comes_back_little_by_little(stage: Stage) -> None:
    stage.mortal.die()
    await stage.who(*[request("/slow")] * 4)
    stage.reset()

    async def recovered() -> bool:
        return "m" in await stage.who(request("/slow"))

    await until(recovered)
    assert Counter(await stage.who(*[request("/slow")] * 22))["m"] <= 3


async def test_a_full_queue_refuses_at_once_and_a_slow_one_in_time(stage: Stage) -> None:
    stage.a.reset(hangs)
    first, second = await stage.connect(), await stage.connect()
    await first.send(request("/queue"))
    await stage.a.next()
    began = monotonic()
    await second.send(request("/queue"))
    await until(lambda: waiting(stage))
    (refused,) = await stage.ask(request("/queue"))
    assert problems([refused]) == {(503, "1")}
    late = await second.receive()
    assert problems([late]) == {(503, "1")}
    assert monotonic() - began > 0.9
    assert json.loads(late.content)["code"] == "303001"
    assert len(stage.a.requests) == 1


async def waiting(stage: Stage) -> bool:
    """Whether a second request is on its way to the server with one connection."""
    return sum((await stage.metric("gatepost_upstream_requests_in_flight", "queue")).values()) >= 2


@pytest.mark.parametrize(
    ("conversation", "status", "code"),
    [
        pytest.param(resets, 502, "101503", id="resets"),
        pytest.param(replies(b"nonsense\r\n\r\n"), 502, "101503", id="nonsense"),
        pytest.param(
            replies(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            502,
            "101503",
            id="ambiguous",
        ),
        pytest.param(hangs, 504, "101504", id="hangs"),
    ],
)
async def test_a_sick_server_is_reported_and_forgotten(
    stage: Stage, conversation: Conversation, status: int, code: str
) -> None:
    stage.a.reset(conversation)
    (refused,) = await stage.ask(request("/sick"))
    assert (refused.status, json.loads(refused.content)["code"]) == (status, code)
    stage.a.reset(names_itself("a"))
    assert await stage.who(request("/sick")) == ["a"]


async def test_a_death_under_load_costs_no_request_that_may_be_sent_again(stage: Stage) -> None:
    async def one() -> RawMessage:
        return (await stage.ask(request("/burst")))[0]

    burst = [asyncio.create_task(one()) for _ in range(16)]
    await stage.mortal.upstream.next()
    stage.mortal.die()
    assert {message.status for message in await asyncio.gather(*burst)} == {200}
    assert set(await stage.who(*[request("/burst")] * 5)) == {"b"}
