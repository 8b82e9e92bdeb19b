"""TLS sessions are resumed by a real client (`openssl s_client`), on every worker, as long as they may be."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from tests.certificates import Certificate
from tests.e2e.conftest import StartGateway, configuration
from tests.raw import RawUpstream
from tests.running import START_LIMIT, Running

GET = b"GET /open HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
FORM = b"grant_type=client_credentials&client_id=bound"
TOKEN = (
    b"POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b" % (len(FORM), FORM)
)
OFTEN = 10
"""So often that each of two workers is met, but once in 500 runs; a run that meets one alone passes, too."""


def replaced(file: Path, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    os.replace(new, file)


class Client:
    """`openssl s_client`, and the session that it has kept."""

    def __init__(self, running: Running, folder: Path, version: str) -> None:
        self._port = urlsplit(running.https).port
        self._version = version
        self._session, self._next = folder / "session.pem", folder / "next.pem"

    async def connect(self, *arguments: str, keep: bool = True, request: bytes = GET) -> tuple[str, bytes]:
        """`New` or `Reused`, and the status line. `keep`: the session is kept for the next time."""
        command = [
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{self._port}",
            f"-{self._version}",
            "-ign_eof",
        ]
        if self._session.exists():
            command += ["-sess_in", str(self._session)]
        process = await asyncio.create_subprocess_exec(
            *command, "-sess_out", str(self._next), *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(request), START_LIMIT)
        if keep and self._next.exists():
            self._next.rename(self._session)
        lines = output.splitlines()
        kind = next(
            (line.partition(b",")[0] for line in lines if line.startswith((b"New, TLS", b"Reused, TLS"))), b""
        )
        status = next((line for line in lines if line.startswith(b"HTTP/1.1 ")), b"")
        return kind.decode(), status[9:12]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits until it holds."""
    async with asyncio.timeout(START_LIMIT):
        while not await condition():  # noqa: ASYNC110 (the other end is another program)
            await asyncio.sleep(0.05)


def listening(tls: dict[str, str], **sections: Any) -> dict[str, Any]:
    listeners = [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": tls}]
    return {"server": {"listen": listeners, "workers": 2}, "logging": {"level": "info"}, **sections}


@pytest.mark.parametrize("version", ["tls1_3", "tls1_2"])
async def test_sessions_are_resumed_on_all_workers_after_reloads_and_end_with_the_certificate(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path, version: str
) -> None:
    file = Certificate().file(tmp_path, "both")
    config = configuration(upstream.url, **listening({"certificate": str(file), "key": str(file)}))
    running = gateway(config, workers=2)
    client = Client(running, tmp_path, version)
    assert await client.connect() == ("New", b"200")
    for _ in range(OFTEN):
        assert await client.connect() == ("Reused", b"200")

    running.signal(signal.SIGHUP)
    await running.line("reloaded: the new configuration is active")
    for _ in range(OFTEN):
        assert await client.connect() == ("Reused", b"200")

    replaced(file, Certificate().file(tmp_path, "renewed").read_bytes())
    await running.line("replaced, valid until")

    async def ended() -> bool:
        return (await client.connect(keep=False))[0] == "New"

    async def resumed_everywhere() -> bool:
        return {(await client.connect())[0] for _ in range(OFTEN)} == {"Reused"}

    # Each worker looks for itself. One that has not yet may still take the session.
    await eventually(ended)
    await eventually(resumed_everywhere)


async def test_a_resumed_session_is_that_of_the_client_certificate_until_its_ca_is_changed(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path
) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "client").mkdir()
    authority = Certificate("CN=authority", authority=True)
    ca = authority.file(tmp_path, "cert")
    server = Certificate().file(tmp_path / "server", "both")
    own = Certificate(names=(x509.DNSName("bound.example"),), issuer=authority).file(
        tmp_path / "client", "both"
    )
    tls = {"certificate": str(server), "key": str(server), "client_ca": str(ca)}
    bound = {"id": "bound", "tls_client_auth": {"san_dns": "bound.example"}, "scopes": ["a"]}
    config = configuration(upstream.url, **listening(tls))
    config["clients"] = [*config["clients"], bound]
    running = gateway(config, workers=2)
    client = Client(running, tmp_path, "tls1_3")
    assert await client.connect(request=TOKEN, keep=False) == ("New", b"401")
    shown = ("-cert", str(own), "-key", str(own))
    assert await client.connect(*shown, request=TOKEN) == ("New", b"200")
    for _ in range(OFTEN):
        # The certificate is not shown again: the session stands for it.
        assert await client.connect(request=TOKEN) == ("Reused", b"200")

    replaced(ca, Certificate("CN=another", authority=True).file(tmp_path / "client", "cert").read_bytes())
    await running.line("replaced, valid until")

    async def refused_everywhere() -> bool:
        answers = {await client.connect(request=TOKEN, keep=False) for _ in range(OFTEN)}
        return answers == {("New", b"401")}

    await eventually(refused_everywhere)
