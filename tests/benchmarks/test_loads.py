"""The loads that are programs of their own, each against what it is made for, without a proxy."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks import distinct, driven
from benchmarks.__main__ import minutes
from benchmarks.cases import CASES
from benchmarks.certificate import write_certificate
from benchmarks.events import listen, received
from benchmarks.figures import QUESTIONS
from benchmarks.handshakes import Client
from benchmarks.load import Load
from benchmarks.peers.streams import EVENTS, EVENTS_A_SECOND, SHORT, SOCKET, accept_value, echoed
from benchmarks.signed import AUDIENCE, ISSUER, Signer
from benchmarks.sockets import masked_frame
from tests.ports import free_port

MOST_MINUTES = 40
WITHIN = 30.0
ALL_CORES = "0-1023"


class Window:
    """Writes down when."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self) -> None:
        self.said.append("begin")

    def end(self) -> None:
        self.said.append("end")


@pytest.fixture
def streams() -> Iterator[str]:
    """The address of the upstream of streams."""
    port = free_port()
    running = subprocess.Popen([sys.executable, "-m", "benchmarks.peers.streams", str(port)])
    try:
        deadline = time.monotonic() + WITHIN
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                assert running.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


@pytest.fixture(autouse=True)
def any_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a machine with one."""
    monkeypatch.setattr(driven, "LOAD_CORE", ALL_CORES)


def test_the_websocket_load_gets_its_echoes(streams: str) -> None:
    window = Window()
    done = driven.program("sockets")(Load(streams + SOCKET, connections=4), 0.5, window)
    assert done.requests > 4
    assert done.wrong == {}
    assert window.said == ["begin", "end"]


def due_later() -> bytes:
    """An event that is within any window that has not ended: its time is to come."""
    return f"data: {time.perf_counter() + WITHIN:.6f} xx\n\n".encode()


def test_the_load_of_events_gets_them(streams: str) -> None:
    done = driven.program("events")(Load(streams + EVENTS, connections=10), 1, Window())
    assert 10 <= done.requests <= 10 * (done.seconds * EVENTS_A_SECOND + 1)
    assert done.wrong == {}


def test_the_load_of_events_counts_each_callers() -> None:
    pairs = [socket.socketpair() for _ in range(3)]
    for here, _ in pairs:
        here.sendall(due_later() * 2)
    done = listen([there for _, there in pairs], 0.05)
    for pair in pairs:
        for end in pair:
            end.close()
    assert done.requests == 2 * len(pairs)
    assert done.wrong == {}


def test_the_load_of_events_says_how_many_streams_ended() -> None:
    here, there = socket.socketpair()
    here.sendall(due_later())
    here.close()
    with there:
        done = listen([there], 0.05)
    assert done.requests == 1
    assert done.wrong == {"ended": 1}


def test_a_load_that_is_refused_says_so(streams: str) -> None:
    with pytest.raises(RuntimeError, match="can't connect"):
        driven.program("sockets")(Load(streams + SHORT, connections=1), 0.5, Window())


def test_frames_come_back_unmasked_and_parts_of_them_wait() -> None:
    sent = bytearray(masked_frame(b"first", b"abcd") + masked_frame(b"second one", b"\0\xff\x10\x20"))
    rest = sent[-3:]
    del sent[-3:]
    assert echoed(sent) == b"\x82\x05first"
    sent += rest
    assert echoed(sent) == b"\x82\x0asecond one"
    assert sent == b""


def test_the_answer_to_a_websockets_key_is_that_of_the_rfc() -> None:
    assert accept_value(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_events_are_counted_when_they_are_complete() -> None:
    one, other = b"data: 12.500000 xxx\n\n", b"data: 13.250000 xxx\n\n"
    assert received(b"4\r\n" + one + b"\r\n4\r\n" + other[:-1]) == ([12.5], b"\r\n4\r\n" + other[:-1])


def decoded(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=="))


def test_what_is_signed_is_another_each_time_and_by_the_key() -> None:
    signer = Signer()
    texts = [signer.access_token(), signer.access_token(), signer.proof("GET", "http://here/", "token")]
    claims = [decoded(each.split(".")[1]) for each in texts]
    assert len({each["jti"] for each in claims}) == 3
    assert (claims[0]["iss"], claims[0]["aud"]) == (ISSUER, AUDIENCE)
    assert (claims[2]["htm"], claims[2]["htu"], "exp" in claims[2]) == ("GET", "http://here/", False)
    x, y = (int.from_bytes(base64.urlsafe_b64decode(signer.public[name] + "==")) for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    for each in texts:
        signed, _, signature = each.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        key.verify(
            encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])),
            signed.encode(),
            ec.ECDSA(SHA256()),
        )


async def answering(requests: list[bytes], answer: bytes) -> asyncio.Server:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(answer)
        except asyncio.IncompleteReadError:
            writer.close()

    return await asyncio.start_server(talk, "127.0.0.1", 0)


async def test_no_request_is_sent_twice_and_too_few_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "MOST_A_SECOND", 20)
    numbers = iter(range(1000))
    requests: list[bytes] = []
    server = await answering(requests, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    load = Load(url, connections=2, made=lambda: f"GET /{next(numbers)} HTTP/1.1\r\n\r\n")
    async with server:
        done = await asyncio.to_thread(distinct.run, load, 1, Window())
    assert done.requests == len(requests) == len(set(requests)) == 20
    assert done.wrong == {"no request left": 1}


def test_the_request_is_written_as_it_stands() -> None:
    load = Load("http://here:1/token", ("A: b",), "POST", "a=b")
    assert load.text() == "POST /token HTTP/1.1\r\nHost: here:1\r\nA: b\r\nContent-Length: 3\r\n\r\na=b"
    assert Load("http://here/").text() == "GET / HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.mark.parametrize("resumed", [False, True])
async def test_handshakes_are_full_or_resumed_as_wanted(tmp_path: Path, resumed: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_certificate(tmp_path))
    seen = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        found = writer.get_extra_info("ssl_object")
        seen.append((found.version(), found.session_reused))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context) as server:
        client = Client(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", (), resumed=resumed)
        said = [await asyncio.to_thread(client.once) for _ in range(3)]
    assert said == ["", "", ""]
    assert seen == [("TLSv1.3", False), ("TLSv1.3", resumed), ("TLSv1.3", resumed)]


def test_a_full_run_is_expected_to_take_no_longer_than_it_may() -> None:
    assert minutes(CASES, QUESTIONS, 4, 3) <= MOST_MINUTES
