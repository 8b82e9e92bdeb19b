"""What every answer has in common."""

import pytest

from tests.raw import RawClient, RawUpstream, answer, says
from tests.web_gateway import request


@pytest.mark.parametrize("target", ["/token", "/nothing", "/read"])
async def test_no_answer_of_the_gateways_own_names_its_software(client: RawClient, target: str) -> None:
    reply = await client.ask(request(target))
    assert b"aiohttp" not in reply.head
    assert b"Python" not in reply.head


async def test_an_endpoint_is_found_under_its_encoded_spelling_too(client: RawClient) -> None:
    assert (await client.ask(request("/%74oken"))).status == 405


async def test_what_lies_beneath_an_endpoint_is_not_the_endpoint(client: RawClient) -> None:
    assert (await client.ask(request("/token/x", method="POST", body=b"x"))).status == 404


async def test_an_upstreams_own_server_header_passes(client: RawClient, upstream: RawUpstream) -> None:
    upstream.reset(says(answer("200 OK", b"x", "Server: backend")))
    assert (await client.ask(request("/open"))).header("Server") == "backend"
