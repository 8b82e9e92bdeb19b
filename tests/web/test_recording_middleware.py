"""What is noted of every request."""

import json

import aiohttp
import pytest

from tests.raw import RawClient, RawUpstream
from tests.running import Running
from tests.web_gateway import request


async def metrics(gateway: Running) -> str:
    async with aiohttp.ClientSession() as session, session.get(gateway.management + "/metrics") as answer:
        return await answer.text()


async def noted(gateway: Running, path: str) -> dict[str, object]:
    line: dict[str, object] = json.loads(await gateway.line(f'"path": "{path}"'))
    return line


async def test_the_access_log_tells_who_asked_for_what(
    gateway: Running, client: RawClient, upstream: RawUpstream, token: str
) -> None:
    reply = await client.ask(request("/read/noted?secret=1", f"Authorization: Bearer {token}"))
    line = await noted(gateway, "/read/noted")
    assert (line["method"], line["status"], line["bytes"], line["route"], line["client"]) == (
        "GET",
        200,
        5,
        "/read",
        "demo",
    )
    assert line["request_id"] == reply.header("X-Request-Id")


@pytest.mark.parametrize(
    ("target", "status"), [("/nothing/there", 404), ("/read/refused", 401), ("/away/x", 502)]
)
async def test_refusals_are_noted_too(gateway: Running, client: RawClient, target: str, status: int) -> None:
    await client.ask(request(target))
    assert (await noted(gateway, target))["status"] == status


async def test_a_caller_that_leaves_is_noted(gateway: Running, upstream: RawUpstream) -> None:
    async def never(_: object, reader: object, writer: object) -> bool:
        await reader.read()  # type: ignore[attr-defined]  # a StreamReader
        return False

    upstream.reset(never)
    leaving = await gateway.connect()
    await leaving.send(request("/open/left"))
    await upstream.next()
    await leaving.close()
    assert (await noted(gateway, "/open/left"))["status"] == 499


async def test_metrics_count_by_route_method_and_status(gateway: Running, client: RawClient) -> None:
    await client.ask(request("/open/counted", method="PUT", body=b"x"))
    text = await metrics(gateway)
    assert 'gatepost_requests_total{method="PUT",route="/open",status="200"}' in text
    assert "gatepost_store_calls_total" in text


async def test_a_flood_of_paths_adds_no_series(gateway: Running, client: RawClient) -> None:
    for number in range(50):
        await client.ask(request(f"/flood/{number}"))
    assert "/flood/" not in await metrics(gateway)
