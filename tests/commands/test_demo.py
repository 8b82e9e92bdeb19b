"""`gatepost demo`: what it prints can be pasted into a shell, and works."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.commands.demo import curl_lines, shipped_file
from gateway.commands.options import load
from tests.ports import free_port
from tests.running import ROOT, START_LIMIT

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@dataclass
class Demo:
    """A demo of an installation of its own, whose gateway.yaml is the shipped one on other ports."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> str:
        """That of https."""
        found = re.search(r"https://\S+:([0-9]+)", self.says("stderr"))
        assert found is not None
        return found[1]

    def says(self, name: str) -> str:
        return (self.folder / name).read_text()

    def await_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while "gatepost: ready on " not in self.says("stderr"):
            assert self.process.poll() is None, self.says("stderr")
            assert time.monotonic() < deadline, self.says("stderr")
            time.sleep(0.01)

    def paste(self, lines: str) -> str:
        """What a shell in another terminal answers."""
        words = ["bash", "-euo", "pipefail", "-c", lines]
        ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_LIMIT)


def installed(folder: Path) -> None:
    """A copy of the program whose shipped file has ports that are free."""
    for package in ("gateway", "plugins"):
        (folder / package).symlink_to(Path(ROOT) / package)
    text = shipped_file().read_text()
    for port in ("8280", "8243", "9280", "9001"):
        assert port in text
        text = text.replace(port, str(free_port()))
    (folder / "gateway.yaml").write_text(text)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    installed(folder)
    ours = ("GATEPOST_", "DEMO_", "ORDERS_", "PORTAL_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "demo"],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    started = Demo(folder, process)
    try:
        started.await_ready()
        yield started
        assert started.end() == 0
        assert "Traceback" not in started.says("stderr")
    finally:
        process.kill()
        process.wait()


def commands(text: str) -> list[str]:
    """The commands among the lines that are printed, each ready for a shell."""
    lines = "\n".join(line.strip() for line in text.splitlines() if line.startswith("  "))
    return [one for one in lines.replace("\\\n", "").splitlines() if not one.startswith("#")]


@needs_curl
def test_every_line_that_it_prints_works_when_pasted(demo: Demo) -> None:
    first, second, token, call, stranger = commands(demo.says("stdout"))
    answer = json.loads(demo.paste(first))
    assert answer["scope"] == "am_application_scope default"
    answer = json.loads(demo.paste(second))
    assert (answer["scope"], answer["expires_in"]) == ("am_application_scope test", 3200)
    assert "HTTP/1.1" not in demo.paste(f"{token}\n{call}")
    assert json.loads(demo.paste(f"{token}\n{call}"))
    refused = demo.paste(stranger)
    assert refused.startswith("HTTP/1.1 401 ")
    assert "900902" in refused


@needs_curl
def test_all_lines_pasted_at_once_work_too(demo: Demo) -> None:
    printed = demo.says("stdout")
    assert demo.paste(printed[printed.index("  #") :]).count("access_token") == 2


@needs_curl
@pytest.mark.parametrize(
    ("page", "begins", "ends"),
    [
        ("README.md", "## A first token", "## Your own APIs"),
        ("docs/pages/get-started.md", "## 2. Get a token", "Now try without the token"),
    ],
)
def test_the_first_token_of_the_documentation_works_as_it_stands(
    demo: Demo, page: str, begins: str, ends: str
) -> None:
    text = (Path(ROOT) / page).read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text[text.index(begins) : text.index(ends)], re.DOTALL)
    assert blocks
    for block in blocks:
        assert "error" not in demo.paste(block.replace("localhost:8243", f"localhost:{demo.port}"))


PROGRAMS = re.findall(
    r"^```python\n(.*?)^```",
    (Path(ROOT) / "docs/pages/how-to/call-an-api.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize("program", PROGRAMS, ids=["Authlib", "requests-oauthlib"])
def test_the_programs_of_the_documentation_call_an_api(demo: Demo, program: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program.replace("localhost:8243", f"localhost:{demo.port}")],
        cwd=demo.folder,
        env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        | {"REQUESTS_CA_BUNDLE": str(demo.folder / ".gatepost" / "certificate.pem")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "bicycle bell" in ran.stdout, ran.stderr


def test_it_listens_on_this_machine_only(demo: Demo) -> None:
    (ready,) = [line for line in demo.says("stderr").splitlines() if "gatepost: ready on " in line]
    urls = re.findall(r"https?://[^ ,;()]+", ready)
    assert urls
    assert all(url.partition("://")[2].startswith("127.0.0.1:") for url in urls), ready


def test_its_state_lies_beside_its_file_and_not_in_the_package(demo: Demo) -> None:
    assert (demo.folder / ".gatepost").is_dir()


def test_a_port_that_is_taken_is_named(demo: Demo) -> None:
    words = [sys.executable, "-m", "gateway", "demo"]
    environment = {**os.environ, "PYTHONPATH": str(demo.folder)}
    ended = subprocess.run(
        words, cwd=demo.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_shipped_file_is_that_of_the_clone() -> None:
    assert shipped_file() == Path(ROOT) / "gateway.yaml"


def test_the_lines_follow_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_SECRET", "another")
    text = shipped_file().read_text().replace("https://localhost:8243", "https://gate.example")
    (tmp_path / "gateway.yaml").write_text(text)
    lines = curl_lines(load(tmp_path / "gateway.yaml"))
    assert "curl -k -u demo:another " in lines
    assert "https://gate.example/token" in lines
    assert "{" not in lines.replace('{"', "")
