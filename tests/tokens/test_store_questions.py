"""One question to the store for all who ask about the same token at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.errors import StoreUnavailable
from gateway.oauth.model import TokenInfo
from gateway.store import Store
from gateway.tokens.store_questions import StoreQuestion, StoreQuestions
from tests.bounds import BRIEF
from tests.conftest import Valkey
from tests.record_keys import MAC
from tests.services import Services
from tests.tokens.test_token_validator import a_token


class Told:
    """Who is told the answer. `given_up`: does not want it any more."""

    def __init__(self, *, given_up: bool = False) -> None:
        self.answer: asyncio.Future[TokenInfo | None] = asyncio.get_running_loop().create_future()
        self._given_up = given_up

    def done(self) -> bool:
        return self._given_up

    def set_result(self, result: Any) -> None:
        self.answer.set_result(result)

    def set_exception(self, exception: BaseException) -> None:
        self.answer.set_exception(exception)


def questions(services: Services) -> StoreQuestions:
    return StoreQuestions(services.store.tokens, services.cache, services.clients)


async def test_all_are_told_but_those_who_have_given_up(store: Store) -> None:
    services = Services(store)
    token, under_way = await a_token(services), questions(services)
    told = [Told(), Told(given_up=True), Told()]
    for one in told:
        StoreQuestion(under_way, token).ask(one)
    assert len(under_way.asking) == 1
    found = await told[0].answer
    assert found is not None
    assert found.client == "demo"
    assert told[2].answer.result() is found
    assert not told[1].answer.done()
    assert under_way.asking == {}


async def test_who_asks_after_the_answer_asks_anew(store: Store) -> None:
    services = Services(store)
    token, under_way = await a_token(services), questions(services)
    assert await StoreQuestion(under_way, token) is not None
    await store.tokens.revoke_all("demo")
    assert await StoreQuestion(under_way, token) is None


async def test_a_token_whose_client_is_gone_is_dead(store: Store) -> None:
    token = await a_token(Services(store))
    assert await StoreQuestion(questions(Services(store, [])), token) is None


async def test_all_are_told_that_the_store_does_not_answer(own_valkey: Valkey) -> None:
    store = Store(own_valkey.url, timeout=BRIEF, mac=MAC)
    await store.start()
    services = Services(store)
    token, under_way = await a_token(services), questions(services)
    own_valkey.freeze()
    told = [Told(), Told()]
    for one in told:
        StoreQuestion(under_way, token).ask(one)
    for one in told:
        with pytest.raises(StoreUnavailable):
            await one.answer
    assert under_way.asking == {}
    own_valkey.kill()
    await store.stop()
    with pytest.raises(StoreUnavailable):
        StoreQuestion(under_way, token).ask(Told())
    assert under_way.asking == {}, "nothing was asked"
