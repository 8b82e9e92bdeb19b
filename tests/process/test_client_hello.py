"""What a TLS client asks for, read from the bytes of Python's own client."""

import ssl

import pytest

from gateway.process.client_hello import MAX_CLIENT_HELLO, UNREADABLE, ClientHello, parse_client_hello


def client_hello(name: str | None, alpn: list[str] | None = None) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    if alpn:
        context.set_alpn_protocols(alpn)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def records(hello: bytes, size: int) -> bytes:
    """The same message in records of `size` bytes."""
    message = hello[5:]
    parts = [message[place : place + size] for place in range(0, len(message), size)]
    return b"".join(hello[:3] + len(part).to_bytes(2, "big") + part for part in parts)


def test_name_and_protocols_are_read() -> None:
    found = parse_client_hello(client_hello("API.example.org", ["h2", "http/1.1"]))
    assert found == ClientHello("api.example.org", (b"h2", b"http/1.1"))


def test_a_client_that_names_nothing_asks_for_nothing() -> None:
    assert parse_client_hello(client_hello(None)) == ClientHello()


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_a_message_may_come_in_many_records(size: int) -> None:
    split = records(client_hello("a.example.org"), size)
    assert parse_client_hello(split) == ClientHello("a.example.org")
    assert parse_client_hello(split[:-1]) is None


def test_every_part_of_a_message_asks_for_more() -> None:
    hello = client_hello("a.example.org")
    assert {parse_client_hello(hello[:size]) for size in range(len(hello))} == {None}


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x03\x01\xff\xff\x01\xff\xff\xff" + bytes(MAX_CLIENT_HELLO),
    ],
    ids=["http", "empty record", "server hello", "short", "endless"],
)
def test_other_bytes_are_left_to_the_handshake(data: bytes) -> None:
    assert parse_client_hello(data) == UNREADABLE


def test_no_change_of_a_byte_raises() -> None:
    hello = client_hello("a.example.org", ["http/1.1"])
    for place in range(len(hello)):
        for value in (0, 1, 127, 255):
            changed = hello[:place] + bytes([value]) + hello[place + 1 :]
            assert isinstance(parse_client_hello(changed), ClientHello | None)
