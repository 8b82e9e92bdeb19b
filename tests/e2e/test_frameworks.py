"""Apps of well-known frameworks under a prefix they know nothing of: their redirects and sessions work."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Valkey
from tests.exactness.peers import running as started
from tests.ports import free_port
from tests.raw import LIMIT
from tests.running import START_LIMIT, Running

APPS = Path(__file__).parent / "apps"
TOP = Path(__file__).parents[2]
PYTHON = TOP / ".venv-apps" / "bin" / "python"
"""Where `scripts/test-programs` puts the frameworks."""
PACKAGES = Path(os.environ.get("GATEPOST_NPM", TOP / ".venv" / "npm"))

UWSGI = PYTHON.with_name("uwsgi")
TOMCAT_PARTS = (
    "annotations-api", "api", "catalina", "coyote", "el-api", "jaspic-api", "jni", "jsp-api", "juli",
    "servlet-api", "util", "util-scan",
)  # fmt: skip
TOMCAT = [Path(f"/usr/share/java/tomcat10-{part}.jar") for part in TOMCAT_PARTS]

COMMANDS: dict[str, list[str]] = {
    "fastapi": [str(PYTHON), "-m", "uvicorn", "fastapi_app:app", "--log-level", "error", "--port", "{port}"],
    "flask": [
        str(PYTHON),
        "-m",
        "gunicorn",
        "flask_app:app",
        "--log-level",
        "error",
        "-b",
        "127.0.0.1:{port}",
    ],
    "django": [
        str(PYTHON),
        "-m",
        "gunicorn",
        "django_app:app",
        "--log-level",
        "error",
        "-b",
        "127.0.0.1:{port}",
    ],
    "express": ["node", "express_app.mjs", str(PACKAGES), "{port}"],
    "uwsgi": [
        str(UWSGI),
        *("--home", str(UWSGI.parents[1]), "--module", "flask_app:app", "--http-socket", "127.0.0.1:{port}"),
        *("--master", "--die-on-term", "--processes", "2", "--disable-logging", "--logto", "/dev/null"),
    ],
    "tomcat": ["java", "-cp", ":".join(map(str, TOMCAT)), "TomcatApp.java", "{port}"],
}


def installed(framework: str) -> bool:
    if framework == "express":
        return shutil.which("node") is not None and (PACKAGES / "node_modules" / "express").is_dir()
    if framework == "tomcat":
        return shutil.which("javac") is not None and TOMCAT[0].exists()
    return UWSGI.exists() if framework == "uwsgi" else PYTHON.exists()


def await_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), LIMIT):
            return
        assert process.poll() is None, f"it ended with {process.returncode}"
        assert time.monotonic() < deadline, "it does not listen"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """The port of each app. One that is not installed has a port where nobody listens."""
    found = {name: free_port() for name in COMMANDS}
    started = [
        (
            subprocess.Popen(
                [part.format(port=found[name]) for part in command], cwd=APPS, stdin=subprocess.DEVNULL
            ),
            found[name],
        )
        for name, command in COMMANDS.items()
        if installed(name)
    ]
    try:
        for process, port in started:
            await_listening(process, port)
        yield found
    finally:
        for process, _ in started:
            process.terminate()
        for process, _ in started:
            process.wait(LIMIT)


@pytest.fixture(scope="module", params=[True, False], ids=["fast_path", "aiohttp"])
def gateway(
    request: pytest.FixtureRequest,
    ports: dict[str, int],
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    config: dict[str, Any] = {
        "server": {"listen": [{"host": "127.0.0.1", "port": 0}], "fast_lane": request.param},
        "management": {"host": "127.0.0.1", "port": 0},
        "store": {"url": valkey.url, "prefix": f"frameworks-{request.param}:"},
        "tokens": {"key": "k" * 32},
        "routes": [
            {"path": f"/apps/{name}", "upstream": f"http://127.0.0.1:{port}", "auth": "none"}
            for name, port in ports.items()
        ],
    }
    running = Running(config, tmp_path_factory.mktemp("frameworks"))
    running.await_ready()
    yield running
    running.stop()


def opened(gateway: Running, path: str) -> tuple[str, str, CookieJar]:
    """Where a client ends that follows redirects and keeps cookies, and what it reads there."""
    jar = CookieJar()
    client = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(jar), urllib.request.ProxyHandler({})
    )
    with client.open(gateway.http + path, timeout=LIMIT) as response:
        return response.url.removeprefix(gateway.http), response.read().decode(), jar


@pytest.mark.parametrize("framework", COMMANDS)
def test_redirects_and_sessions_work_under_a_prefix(gateway: Running, framework: str) -> None:
    if not installed(framework):
        pytest.skip(f"{framework} is not here: scripts/test-programs and scripts/test-npm install them")
    base = f"/apps/{framework}"
    where, text, _ = opened(gateway, f"{base}/items")
    assert (where, text) == (f"{base}/items/", "items"), "the framework adds a slash"
    where, text, jar = opened(gateway, f"{base}/login")
    assert (where, text) == (f"{base}/home", "hello me"), "the app names itself, and keeps a session"
    assert [cookie.path for cookie in jar] == [base]


@pytest.fixture
def client(gateway: Running) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(gateway.http.removeprefix("http://"), timeout=LIMIT)
    yield connection
    connection.close()


def read(client: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, str]:
    """What a client with a kept connection gets. `body`: pieces, which go in chunks."""
    headers = {} if body is None else {"Content-Type": "application/octet-stream"}
    client.request(method, path, body, headers, encode_chunked=body is not None)
    response = client.getresponse()
    return response.status, response.read().decode()


def post_in_time(client: HTTPConnection, path: str, pause: float, keeps: float) -> tuple[int, str]:
    """The answer to a POST after a pause. `keeps`: seconds after which the server closes idle connections.

    What a busy machine held up until about then may be lost, and says nothing: it is sent again.
    """
    while True:
        begun = time.monotonic()
        time.sleep(pause)
        answer = read(client, "POST", path, iter([b"abc"]))
        in_time = time.monotonic() - begun < 0.8 * keeps
        if answer[0] == 200 or in_time or pause or not keeps:
            return answer


@pytest.mark.parametrize("framework", ["fastapi", "flask", "express", "uwsgi", "tomcat"])
def test_chunked_uploads_events_and_connections_that_the_server_closes(
    client: HTTPConnection, framework: str
) -> None:
    if not installed(framework):
        pytest.skip(f"{framework} is not here: scripts/test-programs installs it")
    base = f"/apps/{framework}"
    assert read(client, "POST", f"{base}/echo", iter([b"a" * 70_000, b"b" * 5])) == (200, "70005")
    assert read(client, "GET", f"{base}/events") == (200, "data: 0\n\ndata: 1\n\ndata: 2\n\n")
    # uWSGI closes after each response; Tomcat and Node.js when a connection was idle for half a second, or up
    # to a second later, when they look. None says so. A POST that meets the end of a connection is lost, so
    # none comes near that time; a GET is not.
    keeps = 0.5 if framework in ("express", "tomcat") else 0.0
    for pause in (0, 0, 0, 5 * keeps, 0):
        assert post_in_time(client, f"{base}/echo", pause, keeps) == (200, "3")
    for pause in (keeps - 0.002, keeps, keeps + 0.002) if keeps else (0, 0.05):
        time.sleep(pause)
        assert read(client, "GET", f"{base}/items/") == (200, "items")


NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 64; }}
http {{
  access_log off;
  keepalive_timeout 50ms;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/site;
    location /own {{ return 302 /items/; }}
  }}
}}
"""


@pytest.mark.parametrize("fast_lane", [True, False], ids=["fast_path", "aiohttp"])
def test_a_site_of_nginx_under_a_prefix(valkey: Valkey, prefix: str, tmp_path: Path, fast_lane: bool) -> None:
    (tmp_path / "site" / "items").mkdir(parents=True)
    (tmp_path / "site" / "items" / "index.html").write_text("items")
    with started("nginx", "-e", "/dev/null", "-c", folder=tmp_path, text=NGINX, upstream=0) as port:
        config = {
            "server": {"listen": [{"host": "127.0.0.1", "port": 0}], "fast_lane": fast_lane},
            "management": False,
            "store": {"url": valkey.url, "prefix": prefix},
            "tokens": {"key": "k" * 32},
            "routes": [{"path": "/site", "upstream": f"http://127.0.0.1:{port}", "auth": "none"}],
        }
        running = Running(config, tmp_path)
        running.await_ready()
        # Both are redirects to nginx's own port, with the Host that it was sent.
        for path in ("/site/items", "/site/own"):
            assert opened(running, path)[:2] == ("/site/items/", "items")
        client = HTTPConnection(running.http.removeprefix("http://"), timeout=LIMIT)
        for pause in (0, 0.045, 0.05, 0.055, 0.2):
            time.sleep(pause)
            assert read(client, "GET", "/site/items/") == (200, "items")
        client.close()
        running.stop()
