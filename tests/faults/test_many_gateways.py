"""Many gateways: three hosts with one each, on a Redis Cluster and behind HAProxy, in network namespaces."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.store import KeyNames
from tests.bounds import mostly_within
from tests.exactness.peers import await_port
from tests.exactness.programs import program
from tests.faults.stage import PATIENCE, PREFIX, Caller, let_in_for, seconds_until
from tests.hosts import BACKEND, HOSTS, STORE, Host, hosts
from tests.ports import free_port
from tests.raw import RawClient, RawMessage
from tests.running import Running
from tests.topologies import ClusterSet, cluster_set
from tests.traffic import traffic
from tests.web_gateway import request

PORT, MANAGEMENT, UPSTREAM = 8280, 9280, 9001
WORKERS = (2, 1, 1)
"""Of each gateway."""
CLIENT = "fleet"
LIMIT = 600
OFF_BY = 0.02
"""How far more or fewer requests than the limit may be let in."""
REVOKED_WITHIN = 0.1
"""Seconds after a revocation's acknowledgement from which on no gateway lets anybody in."""
NOTICED = 1.0
"""Seconds after which a gateway without its store lets nobody in."""
_STATUS = 17
"""The column of HAProxy's statistics."""
BALANCER = """
global
  log stderr local0 warning
  stats socket unix@admin.sock
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout check 10s
  timeout client 30s
  timeout server 30s
frontend clients
  bind 127.0.0.1:{port}
  default_backend gateways
backend gateways
  balance roundrobin
  option forwardfor
  option httpchk GET /readyz
  http-check expect status 200
  default-server check inter 100ms fall 2 rise 1 port {management}
{servers}
frontend upstream
  bind {backend}:{upstream}
  http-request return status 200 content-type text/plain string "hello"
"""


class HostedGateway(Running):
    """A gateway that is not at 127.0.0.1."""

    async def connect(self, url: str | None = None, tls: Any = None) -> RawClient:
        parts = urlsplit(url or self.http)
        assert parts.hostname is not None
        assert parts.port is not None
        return await RawClient.connect(parts.hostname, parts.port, tls)


@dataclass
class Fleet:
    """The gateways, and who balances between them."""

    hosts: list[Host]
    cluster: ClusterSet
    folder: Path
    port: int
    """Where the balancer listens."""
    gateways: list[HostedGateway] = field(default_factory=list)
    _starts: int = 0
    _callers: list[Caller] = field(default_factory=list)

    def start(self, index: int) -> HostedGateway:
        """A gateway on a host, which is ready."""
        host, workers = self.hosts[index], WORKERS[index]
        self._starts += 1
        folder = self.folder / f"gateway-{self._starts}"
        folder.mkdir()
        config = configuration(host, workers, self.cluster.url)
        made = HostedGateway(config, folder, starter=host.starter)
        made.await_ready()
        return made

    def callers(self, of_each: int = 4) -> list[Caller]:
        """As many of each gateway, so that each worker has some."""
        return [self.caller(index) for index in range(len(self.gateways)) for _ in range(of_each)]

    def caller(self, index: int) -> Caller:
        """One of a gateway."""
        self._callers.append(Caller(self.gateways[index], CLIENT))
        return self._callers[-1]

    async def hang_up(self) -> None:
        """Closes the connections of all callers."""
        while self._callers:
            await self._callers.pop().close()

    async def all_up(self) -> None:
        """Waits until the balancer asks every gateway."""

        async def up() -> bool:
            reader, writer = await asyncio.open_unix_connection(self.folder / "admin.sock")
            writer.write(b"show stat\n")
            rows = [line.split(",") for line in (await reader.read()).decode().splitlines()]
            writer.close()
            await writer.wait_closed()
            names = {one.name for one in self.hosts}
            return {row[1] for row in rows if len(row) > _STATUS and row[_STATUS] == "UP"} >= names

        await seconds_until(up)

    async def ask(self, token: str) -> RawMessage:
        """One request by the balancer, over a connection of its own."""
        async with await RawClient.connect("127.0.0.1", self.port) as client:
            return await client.ask(request("/read", f"Authorization: Bearer {token}", "Connection: close"))


def configuration(host: Host, workers: int, store: str) -> dict[str, Any]:
    limited = [{"use": "rate_limit", "with": {"limit": LIMIT, "per": "10m", "by": "client"}}]
    to: dict[str, Any] = {"upstream": "backend", "strip_prefix": False}
    return {
        "server": {
            "listen": [{"host": host.address, "port": PORT}],
            "public_url": "https://gateway.example",
            "workers": workers,
            "trusted_proxies": [HOSTS],
            "timeouts": {"drain": "5s", "shutdown_delay": "2s"},
        },
        "management": {"host": host.address, "port": MANAGEMENT},
        "store": {"url": store, "prefix": PREFIX, "timeout": "2s"},
        "tokens": {"key": "k" * 32},
        "clients": [{"id": CLIENT, "secrets": [f"{CLIENT}-secret"], "scopes": ["read"]}],
        "upstreams": {"backend": {"servers": [{"url": f"http://{BACKEND}:{UPSTREAM}"}]}},
        "routes": [
            {"path": "/open", "auth": "none", **to},
            {"path": "/read", "scopes": ["read"], **to},
            {"path": "/limited", "scopes": ["read"], "plugins": limited, **to},
        ],
        "logging": {"level": "info", "format": "text", "access": False},
    }


@pytest.fixture
async def fleet(started: Fleet) -> AsyncIterator[Fleet]:
    """The gateways, of whose callers none stays."""
    await started.all_up()
    yield started
    await started.hang_up()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Gateways that are all ready."""
    haproxy = program("haproxy")
    folder = tmp_path_factory.mktemp("fleet")
    with hosts(len(WORKERS)) as made, cluster_set(0, "cluster-secret", address=STORE) as cluster:
        found = Fleet(made, cluster, folder, free_port())
        file = folder / "haproxy.cfg"
        servers = "\n".join(f"  server {one.name} {one.address}:{PORT}" for one in made)
        file.write_text(
            BALANCER.format(
                port=found.port, management=MANAGEMENT, servers=servers, backend=BACKEND, upstream=UPSTREAM
            )
        )
        with (folder / "haproxy.log").open("wb") as log:
            balancer = subprocess.Popen([haproxy, "-db", "-f", file.name], cwd=folder, stdout=log, stderr=log)
        try:
            await_port(found.port, balancer)
            for index in range(len(made)):
                found.gateways.append(found.start(index))
            yield found
        finally:
            balancer.terminate()
            balancer.wait()
            failures = [one.stopped_badly() for one in found.gateways]
        assert not any(failures), failures


async def workers_known(fleet: Fleet) -> None:
    """Waits until all workers have told the store twice that they are alive, and so know of each other."""
    key = KeyNames(PREFIX, cluster=True).limit_workers

    def alive() -> dict[bytes, float]:
        with fleet.cluster.owner_of(key).client as client:
            return dict(client.zrange(key, 0, -1, withscores=True))

    async def all_alive() -> bool:
        return len(alive()) == sum(WORKERS)

    await seconds_until(all_alive)
    first = alive()

    async def heard_since() -> bool:
        now = alive()
        return all(now.get(worker, 0.0) > last for worker, last in first.items())

    await seconds_until(heard_since)


async def test_a_limit_of_many_gateways_behind_a_balancer_holds_to_two_percent(fleet: Fleet) -> None:
    token = await fleet.caller(0).token()
    await workers_known(fleet)

    async def call() -> list[int]:
        async with await RawClient.connect("127.0.0.1", fleet.port) as client:
            asked = request("/limited", f"Authorization: Bearer {token}")
            return [(await client.ask(asked)).status for _ in range(2 * LIMIT // 12)]

    answers = [status for found in await asyncio.gather(*(call() for _ in range(12))) for status in found]
    print(f"{answers.count(200)} of {LIMIT}")
    assert set(answers) == {200, 429}
    assert abs(answers.count(200) - LIMIT) <= OFF_BY * LIMIT


async def test_a_revocation_is_refused_by_many_gateways_within_100_ms(fleet: Fleet) -> None:
    callers = fleet.callers()
    lifetimes = iter(range(700, 800))

    async def let_in() -> float:
        issuer = callers[0]
        token = await issuer.token(next(lifetimes))
        for _ in range(2):
            assert {await caller.use(token) for caller in callers} == {200}
        assert await issuer.revoke(token) == 200
        longest = max(await asyncio.gather(*(let_in_for(caller, token) for caller in callers)))
        print(f"let in for {1000 * longest:.0f} ms")
        return longest

    await mostly_within(REVOKED_WITHIN, let_in, good=5, of=9)


async def test_a_rolling_restart_of_many_gateways_fails_no_request(fleet: Fleet) -> None:
    token = await fleet.caller(0).token()
    async with traffic(fleet.port, "/open") as asking:
        await asking.more()
        for index, old in enumerate(fleet.gateways):
            await asyncio.to_thread(old.stop)
            await asking.more()
            fleet.gateways[index] = await asyncio.to_thread(fleet.start, index)
            assert await fleet.caller(index).use(token) == 200, "another one has issued it"
            await fleet.all_up()
            await asking.more()
    print(f"restarted under {asking.answered} requests")
    assert [await one.use(token) for one in fleet.callers(1)] == [200] * len(WORKERS)


async def test_a_gateway_cut_off_from_the_store_lets_nobody_in_while_others_serve(fleet: Fleet) -> None:
    alone, other = fleet.caller(2), fleet.caller(0)
    lifetimes = iter(range(800, 900))

    async def let_in() -> float:
        """Seconds after the cut for which anybody was let in by the gateway that is cut off."""
        token = await other.token(next(lifetimes))
        assert [await one.use(token) for one in (alone, other)] == [200, 200]
        fleet.hosts[2].cut_off()
        begun, last = time.monotonic(), 0.0
        try:
            while (status := await alone.use(token)) != 503:
                assert status == 200
                last = time.monotonic() - begun
                assert last < PATIENCE
            status, told = await alone.ready()
            assert (status, told["can_judge"]) == (503, False)
            assert told["reasons"]
            assert await other.revoke(token) == 200
            assert await alone.use(token) == 503, "it can't know"
            assert await alone.issue() == 503
            assert await other.use(token) == 401
            fresh = await other.token(next(lifetimes))
            await seconds_until(lambda: _all_pass(fleet, fresh))
        finally:
            fleet.hosts[2].mend()
        assert await alone.use(token) != 200
        await seconds_until(lambda: _heals(alone, token))
        assert await alone.use(fresh) == 200
        print(f"cut off, let in for {1000 * last:.0f} ms")
        return last

    await mostly_within(NOTICED, let_in, good=2, of=4)


async def _all_pass(fleet: Fleet, token: str) -> bool:
    """Whether the balancer asks only gateways that serve."""
    return {(await fleet.ask(token)).status for _ in range(6)} == {200}


async def _heals(caller: Caller, revoked: str) -> bool:
    """Whether a gateway knows again what was revoked while it could not hear of it."""
    return (await caller.ready())[0] == 200 and await caller.use(revoked) == 401
