"""The sample backend does what its routes say."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.demo import backend as sample
from gateway.demo.backend import sample_app

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with TestClient(TestServer(sample_app())) as made:
        yield made


async def test_an_order_can_be_placed_and_found(client: Client) -> None:
    async with client.post("/orders", json={"item": "lamp"}) as response:
        assert response.status == 201
        order = await response.json()
        place = response.headers["Location"]
    async with client.get(place) as response:
        assert await response.json() == order
    async with client.get("/orders") as response:
        assert order in await response.json()


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b"\xff"])
async def test_what_is_no_order_is_refused(client: Client, body: bytes) -> None:
    async with client.post("/orders", data=body) as response:
        assert response.status == 400


async def test_an_order_that_was_never_placed_is_not_found(client: Client) -> None:
    async with client.get("/orders/999999999") as response:
        assert response.status == 404


async def test_it_forgets_the_oldest_orders(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "MAX_ORDERS", 3)
    for number in range(5):
        async with client.post("/orders", json={"item": number}) as response:
            assert response.status == 201
    async with client.get("/orders") as response:
        assert [order["item"] for order in await response.json()] == [2, 3, 4]


async def test_echo_shows_what_arrived(client: Client) -> None:
    async with client.put("/echo/a?b=c", data=b"body", headers={"X-Client-Id": "demo"}) as response:
        shown = await response.json()
    assert (shown["method"], shown["path"], shown["query"]) == ("PUT", "/echo/a", "b=c")
    assert ["X-Client-Id", "demo"] in shown["headers"]
    assert shown["body"] == "body"


@pytest.mark.parametrize("path", ["/status", "/health"])
async def test_it_says_that_it_is_well(client: Client, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 200
