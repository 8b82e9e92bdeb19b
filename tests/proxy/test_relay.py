import pytest

from gateway.exchange import Headers, SharedHead
from gateway.proxy.framing import answer_framing, answer_head
from gateway.proxy.headers import passing_head
from gateway.proxy.relay import relay

HEADS = [
    SharedHead(200, b"Fine", [(b"X-A", b"\xe9"), (b"content-length", b"3"), (b"Keep-Alive", b"5")]),
    SharedHead(500, b"", [(b"Transfer-Encoding", b"chunked"), (b"x-a", b"2")]),
    SharedHead(304, b"Not Modified", [(b"Content-Length", b"3")]),
    SharedHead(204, b"No Content", [(b"Connection", b"X-A"), (b"X-A", b"1")]),
]


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.status)
@pytest.mark.parametrize("added", [[], [(b"X-Request-Id", b"1"), (b"X-B", b"2")]], ids=["plain", "added"])
@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "closed"])
def test_it_makes_the_same_bytes_as_the_long_way(head: SharedHead, added: Headers, keep_alive: bool) -> None:
    framing = answer_framing("GET", (1, 1), head)
    seen = passing_head(head, added)
    expected = answer_head(seen, framing, keep_alive=keep_alive, version=(1, 1))
    assert relay(head).head(added, keep_alive=keep_alive) == expected


def test_a_head_is_worked_out_once() -> None:
    assert relay(HEADS[0]) is relay(HEADS[0])
    twin = SharedHead(HEADS[0].status, HEADS[0].reason, HEADS[0].headers)
    assert relay(twin) is not relay(HEADS[0])
