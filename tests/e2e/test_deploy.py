"""What `deploy/` holds, tried with the programs that it is for: Prometheus and systemd."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from gateway.telemetry import Telemetry
from tests.e2e.conftest import StartGateway, configuration, token
from tests.project.imports import ROOT
from tests.raw import RawUpstream
from tests.running import START_LIMIT

DEPLOY = ROOT / "deploy"
METRIC = re.compile(r"\bgatepost_[a-z_]+")
TWO_SAMPLES = "rate(gatepost_requests_total[1m])"
SCRAPE = """\
global: {{scrape_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: gatepost
    static_configs: [{{targets: ["{target}"]}}]
"""
needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")), reason="needs Prometheus"
)


def panels() -> dict[str, str]:
    """The queries of the dashboard by panel, as Grafana would send them."""
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$job", ".*")
        .replace("$__rate_interval", "1m")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }


def alerts() -> dict[str, str]:
    rules = yaml.safe_load((DEPLOY / "grafana/alerts.yml").read_text())
    return {rule["alert"]: rule["expr"] for group in rules["groups"] for rule in group["rules"]}


def test_every_query_names_metrics_that_there_are() -> None:
    text = Telemetry().render()[0].decode()
    known = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    for name, query in (panels() | alerts()).items():
        wanted = {re.sub(r"_bucket$", "", metric) for metric in METRIC.findall(query)}
        assert wanted <= known, name
        assert wanted or query.startswith("up"), name


class Prometheus:
    """A real one that scrapes one gateway."""

    def __init__(self, folder: Path, target: str) -> None:
        rules = DEPLOY / "grafana/alerts.yml"
        (folder / "prometheus.yml").write_text(SCRAPE.format(rules=json.dumps(str(rules)), target=target))
        self._log = (folder / "prometheus.log").open("w+")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--web.listen-address=127.0.0.1:0",
            ],
            stderr=self._log,
            cwd=folder,
        )
        self._folder = folder

    async def url(self) -> str:
        deadline = time.monotonic() + START_LIMIT
        while True:
            text = (self._folder / "prometheus.log").read_text()
            if match := re.search(r'msg="Listening on" address=(\S+)', text):
                return f"http://{match[1].strip('[]')}"
            assert self.process.poll() is None, text
            assert time.monotonic() < deadline, text
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(START_LIMIT)
        self._log.close()


async def ready(session: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(START_LIMIT):
        while True:
            async with session.get("/-/ready") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.05)


async def asked(session: aiohttp.ClientSession, path: str, **params: str) -> Any:
    async with session.get(path, params=params) as response:
        answer = await response.json()
        assert (response.status, answer["status"]) == (200, "success"), answer
        return answer["data"]


@needs_prometheus
def test_promtool_takes_the_rules() -> None:
    words = ["promtool", "check", "rules", DEPLOY / "grafana/alerts.yml"]
    checked = subprocess.run(words, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@needs_prometheus
def test_promtool_takes_the_configuration_of_compose(tmp_path: Path) -> None:
    text = (DEPLOY / "prometheus/prometheus.yml").read_text()
    rules = json.dumps(str(DEPLOY / "grafana/alerts.yml"))
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/alerts.yml", rules))
    words = ["promtool", "check", "config", tmp_path / "prometheus.yml"]
    checked = subprocess.run(words, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@needs_prometheus
async def test_a_real_prometheus_answers_each_query_of_the_dashboard_and_holds_the_alerts(
    gateway: StartGateway, upstream: RawUpstream, tmp_path: Path
) -> None:
    running = gateway(configuration(upstream.url))
    bearer = {"Authorization": f"Bearer {(await token(running, scope='orders.read'))['access_token']}"}
    async with aiohttp.ClientSession(headers=bearer) as session, session.get(f"{running.http}/orders"):
        pass
    prometheus = Prometheus(tmp_path, running.management.removeprefix("http://"))
    try:
        async with aiohttp.ClientSession(await prometheus.url()) as session:
            await ready(session)
            deadline = time.monotonic() + START_LIMIT
            while not (await asked(session, "/api/v1/query", query="rate(gatepost_requests_total[1m])"))[
                "result"
            ]:
                assert time.monotonic() < deadline, "nothing was scraped"
                await asyncio.sleep(0.1)
            empty = [
                name
                for name, query in panels().items()
                if not (await asked(session, "/api/v1/query", query=query))["result"]
            ]
            # Nothing has failed, reached a limit or has a certificate.
            assert {name[:-2] for name in empty} <= {
                "Share of 5xx by route",
                "Store: failed commands",
                "Upstream failures",
                "Limits reached",
                "Days until certificates end",
            }
            groups = (await asked(session, "/api/v1/rules"))["groups"]
            assert {rule["name"] for group in groups for rule in group["rules"]} == set(alerts())
            for name, query in alerts().items():
                assert (await asked(session, "/api/v1/query", query=query))["result"] == [], name
    finally:
        prometheus.stop()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    unit = tmp_path / "gatepost.service"
    text = (DEPLOY / "systemd/gatepost.service").read_text()
    assert "Type=notify" in text
    unit.write_text(text.replace("/opt/gatepost/bin/gatepost", "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert "gatepost.service" not in verified.stderr, verified.stderr
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(unit)]
    judged = subprocess.run(words, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout
