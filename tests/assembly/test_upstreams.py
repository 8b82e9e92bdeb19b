"""What gateway.yaml says of upstreams, as the upstream client works with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.upstreams import configured_upstreams, described, make_upstreams, start_upstreams
from gateway.errors import StartError
from gateway.upstream import Upstream
from gateway.upstream.adaptive_concurrency import AdaptiveConcurrencySettings
from gateway.upstream.settings import (
    BreakerSettings,
    HealthSettings,
    PoolSettings,
    RetrySettings,
    Timeouts,
    TlsSettings,
    UpstreamServerSettings,
    UpstreamSettings,
)
from tests.certificates import Certificate
from tests.config.example import settings
from tests.upstream.defaults import a_server, an_upstream, tls_of

ALL = """
    upstreams:
      orders:
        servers: [{url: "https://a", weight: 3}, {url: "https://b"}]
        balance: least_requests
        timeouts: {connect: 1s, response: 2s, idle: 3s}
        health:
          {path: /up, interval: 4s, timeout: 5s, unhealthy_after: 6, healthy_after: 7, host: up.example,
           headers: {X-Check: "1"}, expect: {status: [204], body: fine}, port: 8}
        retries: {attempts: 8, on: [reset, "504"]}
        breaker: {failures: 9, open_for: 10s}
        slow_start: 11s
        max_connections: 12
        max_queue: 13
        queue_timeout: 14s
        keep_alive: 15s
        adaptive_concurrency: {min_concurrency: 2, buffer: 0.5, min_rtt_interval: 16s}
        host_header: inner.example
        tls: {ca: FILE, certificate: FILE, key: FILE, server_name: c}
    """


def test_every_key_arrives(tmp_path: Path) -> None:
    file = Certificate().file(tmp_path, "file")
    made = make_upstreams(settings(ALL.replace("FILE", str(file))))["orders"].settings
    tls = TlsSettings(verify=True, ca=file, certificate=file, key=file, server_name="c")
    assert made == UpstreamSettings(
        servers=(
            UpstreamServerSettings(url="https://a", weight=3, priority=0, tls=tls),
            UpstreamServerSettings(url="https://b", weight=1, priority=0, tls=tls),
        ),
        balance="least_requests",
        timeouts=Timeouts(connect=1, response=2, idle=3),
        pool=PoolSettings(
            max_connections=12,
            max_queue=13,
            queue_timeout=14,
            keep_alive=15,
            head_limit=65_536,
            lifetime=300,
        ),
        health=HealthSettings(
            path="/up",
            interval=4,
            timeout=5,
            unhealthy_after=6,
            healthy_after=7,
            host="up.example",
            headers=(("X-Check", "1"),),
            statuses=frozenset({204}),
            body="fine",
            port=8,
        ),
        retries=RetrySettings(attempts=8, on=frozenset({"reset", "504"})),
        breaker=BreakerSettings(failures=9, open_for=10),
        slow_start=11,
        adaptive_concurrency=AdaptiveConcurrencySettings(
            min_concurrency=2, max_concurrency=12, buffer=0.5, min_rtt_interval=16
        ),
    )


def test_what_is_left_out_is_the_clients_own_default() -> None:
    text = "routes: [{path: /, upstream: 'http://a', canary: {upstream: 'http://b', percent: 1}}]"
    made = make_upstreams(settings(text))
    assert {name: upstream.settings for name, upstream in made.items()} == {
        url: an_upstream([a_server(url)]) for url in ("http://a", "http://b")
    }


def test_no_breaker_is_one_that_never_opens() -> None:
    made = make_upstreams(settings("upstreams: {o: {servers: [{url: 'http://a'}], breaker: null}}"))
    assert made["o"].settings.breaker.failures > 10**15


def test_an_upstream_is_described_in_a_few_words() -> None:
    text = """
        upstreams:
          one: {servers: [{url: "unix:/run/a"}]}
          more: {servers: [{url: "http://a", weight: 2}, {url: "http://b"}], balance: hash, hash_by: path}
        """
    upstreams = configured_upstreams(settings(text))
    assert described(upstreams["one"]) == "unix:/run/a"
    assert described(upstreams["more"]) == "http://a (weight 2), http://b: hash by path"


async def test_a_file_that_is_no_certificate_is_reported_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "file.pem"
    file.write_text("nothing")
    wrong = Upstream("o", an_upstream([a_server("https://a", tls=tls_of(ca=file))]))
    with pytest.raises(StartError, match="the upstream o can't be used"):
        await start_upstreams([wrong])
