"""Several certificates on one port, and certificates that change while the gateway runs, on both ways."""

import asyncio
import json
import os
import re
import signal
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme

from tests.e2e.conftest import StartGateway, configuration
from tests.raw import LIMIT, RawClient, RawUpstream, until
from tests.running import START_LIMIT, Running

GET = b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def write(authority: trustme.CA, folder: Path, *names: str) -> dict[str, str]:
    """New files of a certificate, put in place as renewal tools do."""
    folder.mkdir(exist_ok=True)
    issued = authority.issue_cert(*names)
    for name, pem in (("cert.pem", issued.cert_chain_pems[0]), ("key.pem", issued.private_key_pem)):
        pem.write_to_path(folder / f"{name}.new")
        os.replace(folder / f"{name}.new", folder / name)
    return {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}


def halve(file: str) -> Path:
    """Leaves the first half of a file."""
    path = Path(file)
    path.write_bytes(path.read_bytes()[:100])
    return path


def listening(tls: Any, **server: Any) -> dict[str, Any]:
    listeners = [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": tls}]
    return {"server": {"listen": listeners, **server}, "logging": {"level": "info"}}


async def served(
    running: Running, name: str | None, client: trustme.LeafCert | None = None
) -> tuple[str, int]:
    """The name in the certificate that a client gets who asks for `name`, and the status of its request."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if client is not None:
        client.configure_cert(context)
    port = urlsplit(running.https).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "")
    async with RawClient(reader, writer) as connection:
        status = (await connection.ask(GET)).status
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    found = re.search(rb"[a-z*]+\.example\.org", der)
    return found[0].decode() if found else "", status


@pytest.mark.parametrize("fast_lane", [True, False], ids=["fast_path", "aiohttp"])
async def test_a_client_gets_the_certificate_of_the_name_it_asks_for(
    gateway: StartGateway, upstream: RawUpstream, authority: trustme.CA, tmp_path: Path, fast_lane: bool
) -> None:
    names = ("a.example.org", "b.example.org", "*.example.org")
    tls = [write(authority, tmp_path / str(index), name) for index, name in enumerate(names)]
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls[1]["client_ca"] = str(tmp_path / "ca.pem")
    running = gateway(configuration(upstream.url, **listening(tls, fast_lane=fast_lane)))
    assert await served(running, "b.example.org") == ("b.example.org", 200)
    assert await served(running, "A.example.org") == ("a.example.org", 200)
    assert await served(running, "other.example.org") == ("*.example.org", 200)
    assert await served(running, "nowhere.test") == ("a.example.org", 200)
    assert await served(running, None) == ("a.example.org", 200)
    # A certificate that b's CA has not issued is refused by b, and not even asked for by a.
    stranger = trustme.CA().issue_cert("stranger")
    assert await served(running, "a.example.org", stranger) == ("a.example.org", 200)
    with pytest.raises((OSError, asyncio.IncompleteReadError, AssertionError)):
        await served(running, "b.example.org", stranger)
    await running.line(
        r"TLS handshake with 127\.0\.0\.1 failed: the client's certificate is refused: unable to"
    )


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_renewed_certificate_is_served_and_a_damaged_one_is_not(
    gateway: StartGateway, upstream: RawUpstream, authority: trustme.CA, tmp_path: Path, workers: int
) -> None:
    tls = write(authority, tmp_path / "tls", "old.example.org")
    running = gateway(configuration(upstream.url, **listening(tls)), workers=workers)
    assert await served(running, "x") == ("old.example.org", 200)
    key = halve(tls["key"])
    line = await running.line("certificate not replaced: ")
    assert f"{key} can't be used" in line
    assert await served(running, "x") == ("old.example.org", 200)
    if workers > 1:
        # A worker that starts meanwhile serves what its parent has.
        first = running.children()
        os.kill(first[0], signal.SIGKILL)
        await until(lambda: len(set(running.children()) - {first[0]}) == workers)
        assert {await served(running, "x") for _ in range(8)} == {("old.example.org", 200)}
    # A reload names the file and changes nothing.
    running.signal(signal.SIGHUP)
    await running.line(r"configuration not reloaded: .*server\.listen\[1\]\.tls\.key")
    assert await served(running, "x") == ("old.example.org", 200)
    write(authority, tmp_path / "tls", "new.example.org")
    await running.line("replaced, valid until")
    async with asyncio.timeout(START_LIMIT):
        while {await served(running, "x") for _ in range(4)} != {("new.example.org", 200)}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    async with aiohttp.ClientSession() as session, session.get(f"{running.management}/metrics") as answer:
        text = await answer.text()
    assert f'gatepost_tls_certificate_expiry_seconds{{certificate="{tls["certificate"]}"}} ' in text


async def test_a_client_hello_in_pieces_and_bytes_that_are_none(
    gateway: StartGateway, upstream: RawUpstream, authority: trustme.CA, tmp_path: Path
) -> None:
    tls = [write(authority, tmp_path / name, f"{name}.example.org") for name in ("a", "b")]
    running = gateway(configuration(upstream.url, **listening(tls, timeouts={"header": 1.0})))
    port = urlsplit(running.https).port
    for start, said in (
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 "),
        (b"\x16\x03\x01\x02\x00\x01", b""),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(start)
        # Plain HTTP is refused; who sends no more is cut off after the header timeout.
        with suppress(ConnectionError):
            assert (await asyncio.wait_for(reader.read(), 10))[:13] == said
        writer.close()
    outgoing, incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = context.wrap_bio(incoming, outgoing, server_hostname="b.example.org")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    for byte in outgoing.read():
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    while True:
        incoming.write(await asyncio.wait_for(reader.read(65_536), 10))
        try:
            client.do_handshake()
            break
        except ssl.SSLWantReadError:
            continue
    der = client.getpeercert(binary_form=True)
    writer.close()
    assert der is not None
    assert b"b.example.org" in der


async def opened(running: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose client does not begin the handshake."""
    return await asyncio.open_connection("127.0.0.1", urlsplit(running.https).port)


@pytest.mark.parametrize("names", [["a.example.org"], ["a.example.org", "b.example.org"]], ids=["one", "two"])
async def test_who_does_not_shake_hands_counts_for_the_limits_of_connections(
    gateway: StartGateway, upstream: RawUpstream, authority: trustme.CA, tmp_path: Path, names: list[str]
) -> None:
    """Also where the certificate depends on the name that a client asks for."""
    tls = [write(authority, tmp_path / name, name) for name in names]
    running = gateway(configuration(upstream.url, **listening(tls, max_connections_per_address=3)))
    silent = [await opened(running) for _ in range(3)]
    reader, writer = await opened(running)
    assert await asyncio.wait_for(reader.read(), LIMIT) == b""
    assert not any(one.at_eof() for one, _ in silent)
    await running.line(r"limit server\.max_connections_per_address reached by 127\.0\.0\.1")
    for each in (writer, *(one for _, one in silent)):
        each.close()
    async with asyncio.timeout(LIMIT):
        while True:
            # Until the gateway has seen them go.
            with suppress(OSError, asyncio.IncompleteReadError):
                assert (await served(running, names[0]))[1] == 200
                break
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("names", [["a.example.org"], ["a.example.org", "b.example.org"]], ids=["one", "two"])
async def test_who_speaks_http_to_a_port_for_tls_is_told_so(
    gateway: StartGateway, upstream: RawUpstream, authority: trustme.CA, tmp_path: Path, names: list[str]
) -> None:
    tls = [write(authority, tmp_path / name, name) for name in names]
    running = gateway(configuration(upstream.url, **listening(tls, max_connections_per_address=2)))
    upstream.reset()
    for _ in range(5):
        async with RawClient(*await opened(running)) as connection:
            response = await connection.ask(GET + GET)
            assert await connection.closed()
        document = json.loads(response.body)
        assert (response.status, document["code"]) == (400, "400")
        assert document["detail"] == "This port speaks TLS: use https."
        assert response.header("Connection") == "close"
    await running.line(r"TLS handshake with 127\.0\.0\.1 failed: plain HTTP")
    assert await served(running, names[0]) == (names[0], 200)
    assert len(upstream.requests) == 1
