"""Applications that are loaded when somebody first asks for them."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.web.lazy_app import LazyApp


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"hello {request.match_info['name']}")


@pytest.fixture
def built() -> list[str]:
    return []


@pytest.fixture
def site(built: list[str]) -> LazyApp:
    def build() -> dict[str, web.Application]:
        built.append("once")
        part = web.Application()
        part.router.add_get("/{name}", hello)
        return {"/late": part}

    return LazyApp(build)


async def mark(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Marked"] = "yes"


@pytest.fixture
def app(site: LazyApp) -> web.Application:
    app = web.Application()
    app.on_response_prepare.append(mark)
    app.router.add_route("*", "/late/{path:.*}", site.handle)
    app.router.add_route("*", "/base/late/{path:.*}", site.beneath("/base"))
    return app


async def test_they_are_built_once_and_by_the_first_request(app: web.Application, built: list[str]) -> None:
    async with TestClient(TestServer(app)) as client:
        assert built == []
        answers = await asyncio.gather(*(client.get(f"/late/{number}") for number in range(5)))
        assert [await answer.text() for answer in answers] == [f"hello {number}" for number in range(5)]
        assert built == ["once"]
        assert answers[0].headers["X-Marked"] == "yes"
        assert (await client.get("/late/a/b")).status == 404
        assert (await client.post("/late/a")).status == 405


async def test_stopping_before_anybody_came_builds_nothing(site: LazyApp, built: list[str]) -> None:
    await site.stop()
    assert built == []


async def test_a_path_in_front_of_theirs_is_none_of_their_business(app: web.Application) -> None:
    async with TestClient(TestServer(app)) as client:
        assert await (await client.get("/base/late/a%20b?c=d")).text() == "hello a b"
        assert (await client.get("/base/late/a/b")).status == 404
