"""Certificates by ACME, of Pebble: the authority by which Let's Encrypt tests clients."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import ssl
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import yaml
from cryptography import x509

from tests.commands.conftest import gatepost
from tests.e2e.conftest import StartGateway, configuration, merged
from tests.name_server import NameServer, name_server
from tests.pebble import EAB, Pebble, pebble
from tests.raw import RawClient, RawUpstream
from tests.running import Running

pytest.importorskip("acme", reason="the extra acme is not installed")

DOMAINS = ["api.example.test", "shop.example.test"]


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        server.addresses = {f"{domain}.": "127.0.0.1" for domain in DOMAINS}
        yield server


@pytest.fixture
def nobody() -> Iterator[str]:
    """A directory where nobody listens, at a port that stays taken."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{held.getsockname()[1]}/dir"


def with_acme(upstream: RawUpstream, challenge: str, directory: str, **acme: Any) -> dict[str, Any]:
    settings = {
        "domains": DOMAINS,
        "directory": directory,
        "challenge": challenge,
        "challenge_port": 0,
        "email": "ops@example.test",
        **acme,
    }
    listeners = [
        {"host": "127.0.0.1", "port": 0, "redirect": "https"},
        {"host": "127.0.0.1", "port": 0},
        {"host": "127.0.0.1", "port": 0, "tls": {"acme": settings}},
    ]
    return configuration(
        upstream.url,
        server={"listen": listeners, "public_url": f"https://{DOMAINS[0]}"},
        logging={"level": "info"},
    )


def port(url: str) -> int:
    return urlsplit(url).port or 0


async def handshake(running: Running, *protocols: str, ca: str | None = None) -> ssl.SSLObject:
    """The TLS of a new connection. With `ca` the certificate and its name are verified."""
    context = ssl.create_default_context(cadata=ca)
    if ca is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    _, writer = await asyncio.open_connection(
        "127.0.0.1", port(running.https), ssl=context, server_hostname=DOMAINS[1]
    )
    found: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.close()
    # Else the end of the test would find it open where the gateway takes its time.
    with suppress(OSError):
        await writer.wait_closed()
    return found


async def served(running: Running) -> x509.Certificate:
    der = (await handshake(running)).getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


async def verified(running: Running, root: str) -> None:
    """Until connections get a certificate of the authority, whichever worker takes them."""
    async with asyncio.timeout(60):
        good = 0
        while good < 8:
            try:
                await handshake(running, ca=root)
                good += 1
            except ssl.SSLError:
                good = 0
                await asyncio.sleep(0.05)


async def metrics(running: Running, name: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{running.management}/metrics") as answer:
        text = await answer.text()
    labels = r'\{certificate="\.gatepost/acme/api\.example\.test\.pem"\}'
    found = re.search(rf"^{name}{labels} (\S+)$", text, re.MULTILINE)
    assert found is not None, text
    return float(found[1])


def status(running: Running) -> str:
    result = gatepost("status", "--url", running.management)
    assert result.exit_code == 0, result.output
    return result.stdout


async def answers(running: Running, token: str) -> list[int]:
    """What the two plain listeners say to a question for a token."""
    found = []
    for url in running.addresses("http")[:2]:
        async with await RawClient.connect("127.0.0.1", port(url)) as client:
            path = f"/.well-known/acme-challenge/{token}".encode()
            found.append((await client.ask(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")).status)
    return found


async def reconfigured(running: Running, config: dict[str, Any], workers: int = 1) -> None:
    """Reloads with another order, which is tried at once, and waits for its certificate."""
    store = yaml.safe_load(running.file.read_text())["store"]
    running.write(merged(config, {"store": store, "server": {"workers": workers}}))
    running.signal(signal.SIGHUP)
    await running.line("ACME: certificate issued for api.example.test, shop.example.test")


async def test_a_certificate_is_ordered_taken_over_by_all_workers_and_renewed(
    gateway: StartGateway, upstream: RawUpstream, dns: NameServer, nobody: str, tmp_path: Path
) -> None:
    running = gateway(with_acme(upstream, "http-01", nobody), workers=2)
    # Until there is a certificate: a self-signed one, and word of what has failed.
    assert (await served(running)).issuer.rfc4514_string() == "CN=Gatepost (self-signed)"
    await running.line(r"ACME: no certificate for api\.example\.test: .*refused.*; next attempt at 20")
    assert await metrics(running, "gatepost_acme_failures") == 1
    assert "failed 1 times: " in status(running)
    file = tmp_path / "gateway-0" / ".gatepost" / "acme" / f"{DOMAINS[0]}.pem"
    ports = port(running.addresses("http")[0]), port(running.https)
    with pebble(tmp_path, dns, *ports) as authority:
        config = with_acme(upstream, "http-01", authority.directory, ca=str(authority.ca))
        await reconfigured(running, config, workers=2)
        await verified(running, authority.root())
        async with asyncio.timeout(60):
            # Whichever worker tells it may not have taken the certificate over yet.
            while await metrics(running, "gatepost_acme_failures"):  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.05)
        assert await metrics(running, "gatepost_tls_certificate_expiry_seconds") > time.time() + 86_400
        assert "issued" in status(running)
        check_files(file.parent)
        assert await answers(running, "not-pending") == [301, 404]
        pending = file.parent / "http-01" / "a-token"
        pending.write_text("a-token.thumbprint")
        assert await answers(running, "a-token") == [200, 200]
        assert await answers(running, "..%2fapi.example.test.pem") == [301, 400]
        pending.unlink()
        await renewed(running, file, authority)


async def test_names_are_verified_by_handshakes_alone_for_an_account_known_before(
    gateway: StartGateway, upstream: RawUpstream, dns: NameServer, nobody: str, tmp_path: Path
) -> None:
    running = gateway(with_acme(upstream, "tls-alpn-01", nobody))
    with pebble(tmp_path, dns, http=1, tls=port(running.https), eab=True) as authority:
        refused = with_acme(upstream, "tls-alpn-01", authority.directory, ca=str(authority.ca))
        running.write(merged(refused, {"store": yaml.safe_load(running.file.read_text())["store"]}))
        running.signal(signal.SIGHUP)
        await running.line("ACME: no certificate for .*externalAccountRequired")
        config = with_acme(upstream, "tls-alpn-01", authority.directory, ca=str(authority.ca), eab=EAB)
        await reconfigured(running, config)
        await verified(running, authority.root())
    check_files(tmp_path / "gateway-0" / ".gatepost" / "acme")
    # Nothing is pending: who asks for a challenge gets what all get.
    found = await handshake(running, "acme-tls/1")
    assert found.selected_alpn_protocol() is None
    assert await answers(running, "not-pending") == [301, 404]


def check_files(folder: Path) -> None:
    """Only their owner may read them, and no answer outlives its challenge."""
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    files = {name: mode for name, mode in modes.items() if "." in name or name == "lock"}
    assert set(files.values()) == {0o600}, files
    assert set(modes) - set(files) == {"http-01", "tls-alpn-01"}, "only the two empty folders"


async def renewed(running: Running, file: Path, authority: Pebble) -> None:
    """What is due is renewed, by the same account."""
    before = (await served(running)).serial_number
    progress = file.with_suffix(".json")
    found = json.loads(progress.read_text())
    progress.write_text(json.dumps({**found, "next_attempt": 0, "renew_at": 1}))
    async with asyncio.timeout(60):
        while (await served(running)).serial_number == before:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.05)
    assert authority.accounts == 1
