"""The built wheel, alone in an environment of its own, as a user installs it."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.ports import free_port
from tests.running import START_LIMIT

PLACE = Path(sys.prefix) / "wheel"
"""Where `scripts/test-wheel` installs it."""

pytestmark = pytest.mark.skipif(
    not (PLACE / "bin" / "gatepost").exists() and "CI" not in os.environ,
    reason="the wheel is not installed; scripts/test-wheel does it",
)


def environment() -> dict[str, str]:
    """Nothing of the source tree is on the way."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def gatepost(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(PLACE / "bin" / "gatepost"), *words]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def shipped_file() -> Path:
    (found,) = PLACE.glob("lib/python*/site-packages/gateway/gateway.yaml")
    return found


def free_ports(text: str) -> str:
    """The configuration on ports that are free."""
    for port in ("8280", "8243", "9280", "9001"):
        assert port in text
        text = text.replace(port, str(free_port()))
    return text


@pytest.fixture
def shipped_on_free_ports() -> Iterator[None]:
    file = shipped_file()
    text = file.read_text()
    file.write_text(free_ports(text))
    yield
    file.write_text(text)


def test_the_wheel_prints_its_help(tmp_path: Path) -> None:
    result = gatepost(tmp_path, "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Usage: gatepost ")
    assert result.stderr == ""


def test_the_wheel_checks_the_configuration_that_it_brings(tmp_path: Path) -> None:
    result = gatepost(tmp_path, "check", "-c", str(shipped_file()))
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_wheel_tells_what_is_wrong_with_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("rutes: []\n")
    result = gatepost(tmp_path, "check")
    assert result.returncode == 2
    assert "gateway.yaml:1:1: rutes" in result.stdout + result.stderr


@pytest.mark.usefixtures("shipped_on_free_ports")
def test_the_wheel_serves_the_demo_with_token_server_and_portal(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        demo = subprocess.Popen(
            [PLACE / "bin" / "gatepost", "demo"],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        base = ready_address(demo, log)
        token = Request(f"{base}/token", b"grant_type=client_credentials", login("demo", "demo-secret"))  # noqa: S310 (our own)
        assert b'"access_token"' in fetch(token)
        assert b"<html" in fetch(Request(f"{base}/portal/"))  # noqa: S310 (our own)
    finally:
        demo.send_signal(signal.SIGTERM)
        code = demo.wait(START_LIMIT)
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def ready_address(demo: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_LIMIT
    while "gatepost: ready on " not in log.read_text():
        assert demo.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
    found = re.search(r"https://\S+:([0-9]+)", log.read_text())
    assert found is not None
    return f"https://127.0.0.1:{found[1]}"


def login(client: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{client}:{secret}".encode()).decode()}


def fetch(request: Request) -> bytes:
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # the demo signs its certificate itself
    with urlopen(request, context=trust, timeout=30) as response:  # noqa: S310 (our own)
        content: bytes = response.read()
        return content
