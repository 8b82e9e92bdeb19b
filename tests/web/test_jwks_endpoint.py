"""/jwks, as others fetch it."""

import json

from tests.raw import RawClient
from tests.web_gateway import request


async def test_a_gateway_without_jwts_has_an_empty_set(client: RawClient) -> None:
    reply = await client.ask(request("/jwks"))
    assert reply.status == 200
    assert json.loads(reply.body) == {"keys": []}
    assert reply.header("Content-Type") == "application/jwk-set+json"
    assert reply.header("Cache-Control") == "public, max-age=300"


async def test_it_is_read_only(client: RawClient) -> None:
    reply = await client.ask(request("/jwks", method="POST", body=b"x"))
    assert (reply.status, reply.header("Allow")) == (405, "GET, HEAD")
    assert (await client.ask(request("/jwks", method="HEAD"), body=False)).status == 200
