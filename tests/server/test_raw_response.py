from gateway.server.raw_response import AlreadySentResponse
from tests.raw import RawClient
from tests.running import Running
from tests.web_gateway import request


def test_it_says_whether_the_connection_can_be_used_again() -> None:
    assert AlreadySentResponse(200, 0, keep_alive=True).keep_alive
    assert not AlreadySentResponse(200, 0, keep_alive=False).keep_alive


async def test_a_refusal_leaves_the_connection_open(client: RawClient) -> None:
    for _ in range(3):
        assert (await client.ask(request("/read"))).status == 401


async def test_a_refusal_of_who_wants_to_close_closes(client: RawClient) -> None:
    reply = await client.ask(request("/read", "Connection: close"))
    assert (reply.status, reply.header("Connection")) == (401, "close")
    assert await client.closed()


async def test_a_refusal_in_http_1_0(gateway: Running) -> None:
    connected = await gateway.connect()
    await connected.send(b"GET /read HTTP/1.0\r\nHost: a\r\n\r\n")
    assert (await connected.rest()).startswith(b"HTTP/1.1 401 ")
    await connected.close()
