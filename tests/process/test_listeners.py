"""Sockets: bound where they should be, or a sentence that says why not."""

import re
import socket
import sys

import pytest

from gateway.errors import StartError
from gateway.process.listeners import ListenAddress, WorkerShare, listen


def test_port_0_finds_a_free_one_and_says_which() -> None:
    (listener,) = listen([ListenAddress("127.0.0.1", 0)])
    assert listener.address.port == listener.sockets[0].getsockname()[1] > 0
    listener.close()


def test_it_takes_connections_from_then_on() -> None:
    (listener,) = listen([ListenAddress("127.0.0.1", 0)])
    socket.create_connection(("127.0.0.1", listener.address.port), timeout=5).close()
    listener.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_and_ipv4_share_a_port() -> None:
    (four,) = listen([ListenAddress("0.0.0.0", 0)])
    (six,) = listen([ListenAddress("::", four.address.port)])
    socket.create_connection(("::1", six.address.port), timeout=5).close()
    four.close()
    six.close()


def test_a_port_in_use_is_named_with_the_reason() -> None:
    (taken,) = listen([ListenAddress("127.0.0.1", 0)])
    with pytest.raises(
        StartError, match=rf"can't listen on http://127\.0\.0\.1:{taken.address.port}: address already in use"
    ):
        listen([taken.address])
    taken.close()


def test_all_or_none() -> None:
    (taken,) = listen([ListenAddress("127.0.0.1", 0)])
    (free,) = listen([ListenAddress("127.0.0.1", 0)])
    address = free.address
    free.close()
    with pytest.raises(StartError):
        listen([address, taken.address])
    (again,) = listen([address])
    again.close()
    taken.close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "256.0.0.1"])
def test_an_address_that_is_not_here_is_named(host: str) -> None:
    with pytest.raises(StartError, match=re.escape(f"can't listen on https://{host}:443: ")):
        listen([ListenAddress(host, 443, tls=True)])


def test_addresses_are_written_as_urls() -> None:
    assert str(ListenAddress("::1", 8243, tls=True)) == "https://[::1]:8243"
    assert str(ListenAddress("0.0.0.0", 8280)) == "http://0.0.0.0:8280"


linux = pytest.mark.skipif(sys.platform != "linux", reason="one socket for all elsewhere")


@linux
def test_each_worker_has_a_socket_of_its_own_at_one_address() -> None:
    (listener,) = listen([ListenAddress("127.0.0.1", 0)], workers=3)
    assert {each.getsockname() for each in listener.sockets} == {("127.0.0.1", listener.address.port)}
    assert [listener.share(WorkerShare(slot, 3)) for slot in range(3)] == [
        [each] for each in listener.sockets
    ]
    listener.close()


@linux
@pytest.mark.parametrize("workers", [1, 2, 3, 4, 5, 9])
def test_when_their_number_changes_no_socket_is_left_and_no_worker_goes_without(workers: int) -> None:
    (listener,) = listen([ListenAddress("127.0.0.1", 0)], workers=4)
    shares = [listener.share(WorkerShare(slot, workers)) for slot in range(workers)]
    assert all(shares)
    assert {each.fileno() for share in shares for each in share} == {
        each.fileno() for each in listener.sockets
    }
    listener.close()


@linux
@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1), (2, 2)])
def test_two_gateways_never_share_a_port(first: int, second: int) -> None:
    (taken,) = listen([ListenAddress("127.0.0.1", 0)], workers=first)
    with pytest.raises(StartError, match="address already in use"):
        listen([taken.address], workers=second)
    taken.close()
