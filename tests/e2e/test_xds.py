"""`gatepost xds` serves one configuration to two real Envoys, which follow each change of it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
import yaml

from tests.bounds import mostly_within
from tests.commands.conftest import gatepost
from tests.conftest import Valkey
from tests.e2e.conftest import configuration, merged
from tests.e2e.exported_envoy import Envoy
from tests.exactness.programs import program
from tests.raw import LIMIT, RawClient, RawUpstream, raw_upstream
from tests.running import Running
from tests.web_gateway import ask_for_token
from tests.web_gateway import request as message

XDS = ("-m", "gateway", "xds", "-c")
PATIENCE = 60.0
"""Seconds until a change must have arrived. Envoys try again to connect after up to some seconds."""
TO = {"upstream": "backend", "strip_prefix": False}


@dataclass
class Fleet:
    """A gateway, the server that Envoys subscribe at, and two Envoys."""

    gateway: Running
    server: Running
    envoys: list[Envoy]
    upstream: RawUpstream
    config: dict[str, Any]
    restart: Callable[[], None]

    @property
    def ports(self) -> list[int]:
        """Of both, without TLS."""
        return [envoy.await_ports(2)[0] for envoy in self.envoys]

    async def change(self, **sections: Any) -> None:
        """Another gateway.yaml, for the gateway too, which has listeners of its own."""
        found = merged(self.config, sections)
        self.gateway.write(merged(found, {"server": {"listen": self.config["server"]["listen"]}}))
        self.gateway.signal(signal.SIGHUP)
        self.server.write(found)
        self.server.signal(signal.SIGHUP)


def config(upstream: RawUpstream, valkey: Valkey, folder: Path) -> dict[str, Any]:
    return configuration(
        upstream.url,
        server={
            "trusted_proxies": ["127.0.0.1"],
            "state_dir": str(folder / "state"),
            "listen": [{"host": "127.0.0.1", "port": 0}, {"host": "127.0.0.1", "port": 0, "tls": "auto"}],
        },
        store={"url": valkey.url, "prefix": "xds:"},
        tokens={"key": "k" * 32},
    )


def serve(folder: Path, found: dict[str, Any], gateway: Running, *options: str) -> Running:
    (folder / "xds").mkdir(exist_ok=True)
    arguments = ("--gateway", gateway.http, "--check", "lua", *options)
    server = Running(found, folder / "xds", *arguments, program=XDS)
    deadline = time.monotonic() + PATIENCE
    while not server.found("ready on "):
        assert server.running, server.output
        assert time.monotonic() < deadline, server.output
        time.sleep(0.02)
    return server


def bootstrap(folder: Path, config: Path, listen: str) -> Path:
    made = gatepost("xds", "-c", str(config), "--bootstrap", "--listen", listen)
    assert made.exit_code == 0, made.stderr
    file = folder / "bootstrap.yaml"
    file.write_text(made.stdout)
    return file


@pytest.fixture(scope="module")
def fleet(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    program("envoy")
    folder = tmp_path_factory.mktemp("fleet")
    listen = f"unix:{folder}/xds.sock"
    with raw_upstream() as upstream, valkey.client as client:
        client.delete(*client.keys("xds:*") or ["xds:none"])
        found = config(upstream, valkey, folder)
        gateway = Running(found, folder)
        gateway.await_ready()
        server = serve(folder, found, gateway, "--listen", listen)
        file = bootstrap(folder, gateway.file, listen)
        envoys = [Envoy(file, folder, "--service-node", name, name=name) for name in ("one", "two")]

        def restart() -> None:
            made.server.stop()
            made.server = serve(
                folder, yaml.safe_load(made.server.file.read_text()), gateway, "--listen", listen
            )

        made = Fleet(gateway, server, envoys, upstream, found, restart)
        try:
            yield made
        finally:
            for envoy in envoys:
                envoy.stop()
        made.server.stop()
        gateway.stop()


@pytest.fixture
async def callers(fleet: Fleet) -> AsyncIterator[list[RawClient]]:
    """A connection to each Envoy."""
    fleet.upstream.reset()
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(await RawClient.connect("127.0.0.1", port))
            for port in fleet.ports
        ]


async def new_token(caller: RawClient) -> str:
    answer = await ask_for_token(caller, "scope=orders.read")
    return str(json.loads(answer.content)["access_token"])


async def answers(callers: list[RawClient], path: str, status: int) -> None:
    """Waits until all Envoys answer so."""
    deadline = time.monotonic() + PATIENCE
    for caller in callers:
        while (found := (await caller.ask(message(path))).status) != status:
            assert time.monotonic() < deadline, f"{path}: {found}"
            await asyncio.sleep(0.05)


async def test_all_envoys_let_in_whom_the_gateway_lets_in(fleet: Fleet, callers: list[RawClient]) -> None:
    token = await new_token(callers[0])
    for caller in callers:
        assert (await caller.ask(message("/orders/7"))).status == 401
        answer = await caller.ask(message("/orders/7", f"Authorization: Bearer {token}"))
        assert answer.status == 200
    seen = await fleet.upstream.next()
    assert (seen.target, seen.all("X-Client-Id")) == ("/orders/7", ["demo"])


async def test_the_certificate_reaches_envoys_too(fleet: Fleet) -> None:
    authority = ssl.create_default_context(cafile=fleet.gateway.file.parent / "state" / "certificate.pem")
    for envoy in fleet.envoys:
        port = envoy.await_ports(2)[1]
        async with await RawClient.connect("127.0.0.1", port, authority) as caller:
            assert (await caller.ask(message("/open"))).status == 200


async def test_a_change_of_the_file_reaches_all_envoys_and_open_connections_stay(
    fleet: Fleet, callers: list[RawClient]
) -> None:
    await answers(callers, "/new", 404)
    added = {"path": "/new", "auth": "none", **TO}
    await fleet.change(routes=[*fleet.config["routes"], added])
    await answers(callers, "/new", 200)
    await fleet.change()
    await answers(callers, "/new", 404)


async def test_with_a_wrong_file_the_last_good_one_stays(fleet: Fleet, callers: list[RawClient]) -> None:
    fleet.server.lines.clear()
    fleet.server.write("routes: [{path: /a}]")
    fleet.server.signal(signal.SIGHUP)
    await fleet.server.line("nothing is changed: the file is wrong")
    assert fleet.server.found(r"routes\[0\].upstream: is missing")
    await answers(callers, "/open", 200)
    fleet.server.lines.clear()
    await fleet.change()
    await fleet.server.line("the configuration is a new one")


async def test_what_envoys_refuse_is_said_with_the_reason_and_they_keep_what_they_have(
    fleet: Fleet, callers: list[RawClient]
) -> None:
    fleet.server.lines.clear()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listen = [*fleet.config["server"]["listen"], {"host": "127.0.0.1", "port": port}]
        added = {"path": "/refused", "auth": "none", **TO}
        await fleet.change(server={"listen": listen}, routes=[*fleet.config["routes"], added])
        for name in ("one", "two"):
            await fleet.server.line(rf"Envoy {name}: refuses Listener: .*{port}.*in use")
        await answers(callers, "/open", 200)
        await answers(callers, "/refused", 404)
    await fleet.change(routes=[*fleet.config["routes"], added])
    await answers(callers, "/refused", 200)
    await fleet.change()
    await answers(callers, "/refused", 404)


async def test_envoys_serve_on_while_the_server_is_away_and_learn_what_they_have_missed(
    fleet: Fleet, callers: list[RawClient]
) -> None:
    added = {"path": "/missed", "auth": "none", **TO}
    fleet.server.write(merged(fleet.config, {"routes": [*fleet.config["routes"], added]}))
    fleet.gateway.write(fleet.server.file.read_text())
    fleet.gateway.signal(signal.SIGHUP)
    fleet.restart()
    await answers(callers, "/open", 200)
    await answers(callers, "/missed", 200)
    await fleet.change()
    await answers(callers, "/missed", 404)


async def test_a_revocation_reaches_all_envoys_within_100_milliseconds(
    fleet: Fleet, callers: list[RawClient]
) -> None:
    async def let_in() -> float:
        token = await new_token(callers[0])
        asked = message("/orders/7", f"Authorization: Bearer {token}")
        for caller in callers:
            assert (await caller.ask(asked)).status == 200
        login = {"Authorization": aiohttp.encode_basic_auth("demo", "demo-secret")}
        async with (
            aiohttp.ClientSession(headers=login) as session,
            session.post(f"{fleet.gateway.http}/revoke", data={"token": token}) as answer,
        ):
            assert answer.status == 200
        revoked = time.monotonic()
        return max(await asyncio.gather(*(_last_let_in(caller, asked, revoked) for caller in callers)))

    await mostly_within(0.1, let_in)


async def _last_let_in(caller: RawClient, asked: bytes, revoked: float) -> float:
    """Seconds after the revocation when the last request began that was let in."""
    last = 0.0
    while True:
        began = time.monotonic()
        assert began < revoked + LIMIT, "it is let in for ever"
        if (await caller.ask(asked)).status != 200:
            return last
        last = began - revoked


async def test_over_tcp_only_envoys_with_a_certificate_are_served(fleet: Fleet, tmp_path: Path) -> None:
    ours, stranger = trustme.CA(), trustme.CA()
    for name, issuer in (("server", ours), ("envoy", ours), ("stranger", stranger)):
        issuer.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            tmp_path / f"{name}.pem"
        )
    ours.cert_pem.write_to_path(tmp_path / "ca.pem")
    options = ("--certificate", f"{tmp_path}/server.pem", "--key", f"{tmp_path}/server.pem")
    address = ("--listen", "127.0.0.1:0", "--client-ca", f"{tmp_path}/ca.pem")
    server = serve(tmp_path, fleet.config, fleet.gateway, *options, *address)
    ready = server.found("ready on ") or ""
    port = int(ready.rpartition(":")[2])
    made = bootstrap(tmp_path, fleet.gateway.file, f"127.0.0.1:{port}").read_text()
    envoys = []
    for name in ("envoy", "stranger"):
        text = made.replace("/etc/envoy/xds/ca.pem", f"{tmp_path}/ca.pem")
        for file in ("certificate", "key"):
            text = text.replace(f"/etc/envoy/xds/{file}.pem", f"{tmp_path}/{name}.pem")
        (tmp_path / f"{name}.yaml").write_text(text)
        envoys.append(Envoy(tmp_path / f"{name}.yaml", tmp_path, "--service-node", name, name=name))
    try:
        await asyncio.to_thread(envoys[0].await_ports, 2)
        await server.line("Envoy envoy: connected")
        assert not server.found("Envoy stranger")
        assert envoys[1].ports() == {}
    finally:
        for envoy in envoys:
            envoy.stop()
    server.stop()
