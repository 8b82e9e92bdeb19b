"""Other proxies before a gateway: the examples of the documentation, with the addresses of a test."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.exactness.peers import await_port
from tests.exactness.programs import program
from tests.ports import free_port
from tests.raw import LIMIT
from tests.running import ROOT

EXAMPLES = Path(ROOT) / "docs" / "pages" / "examples" / "forward-auth"
GATEWAY, GRPC, BACKEND, OWN = "8280", "8281", "9001", "8000"
"""The ports in the examples."""
NGINX_FOLDERS = "access_log off; " + " ".join(
    f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


@dataclass(frozen=True)
class Example:
    """One of them."""

    files: tuple[str, ...]
    command: tuple[str, ...]
    """To be run where the files are."""
    hands_bodies_on: bool = True
    """Whether clients see the gateway's problem document."""
    answers_preflights: bool = False
    """Whether only 200 is leave to pass, so that the gateway's 204 reaches the browser."""
    prepared: Callable[[str], str] = str
    listens_early: bool = False
    """Whether it listens before it has read its routes, and says 404 itself."""


def in_folder(text: str) -> str:
    """nginx must be told to keep its files there."""
    return text.replace("http {", "http {\n" + NGINX_FOLDERS, 1)


EXAMPLES_BY_NAME = {
    "nginx": Example(
        ("nginx.conf",),
        (
            "nginx",
            "-p",
            ".",
            "-e",
            "stderr",
            "-c",
            "nginx.conf",
            "-g",
            "daemon off; master_process off; pid pid;",
        ),
        hands_bodies_on=False,
        prepared=in_folder,
    ),
    "haproxy": Example(
        ("haproxy.cfg", "haproxy-forward-auth.lua"),
        ("haproxy", "-db", "-f", "haproxy.cfg"),
        answers_preflights=True,
    ),
    "caddy": Example(("Caddyfile",), ("caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile")),
    "traefik": Example(
        ("traefik.yaml", "traefik-static.yaml"),
        ("traefik", "--configFile=traefik-static.yaml"),
        listens_early=True,
    ),
    "envoy-grpc": Example(
        ("envoy-grpc.yaml",),
        ("envoy", "-c", "envoy-grpc.yaml", "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"),
        answers_preflights=True,
    ),
    "envoy": Example(
        ("envoy.yaml",),
        ("envoy", "-c", "envoy.yaml", "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"),
        answers_preflights=True,
    ),
}


def await_routes(port: int) -> None:
    """Waits until the proxy has read its routes."""
    deadline = time.monotonic() + LIMIT
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        connection.request("GET", "/", headers={"Host": "ready.example"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if (answer.status, text) != (404, b"404 page not found\n"):
            return
        assert time.monotonic() < deadline, "it does not read its routes"
        time.sleep(0.02)


@contextmanager
def proxied(name: str, gateway: int, grpc: int, backend: int, folder: Path) -> Iterator[int]:
    """Runs a proxy with its example between a gateway and a backend; its own port.

    `grpc`: the port at which the gateway is asked by gRPC.
    """
    example = EXAMPLES_BY_NAME[name]
    binary, *options = program(example.command[0]), *example.command[1:]
    port = free_port()
    ports = {GATEWAY: gateway, GRPC: grpc, BACKEND: backend, OWN: port}
    for file in example.files:
        text = example.prepared((EXAMPLES / file).read_text())
        (folder / file).write_text(
            re.sub(r"\b(8280|8281|9001|8000)\b", lambda found: str(ports[found[0]]), text)
        )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, *options], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        await_port(port, process)
        if example.listens_early:
            await_routes(port)
        yield port
    except AssertionError:
        print((folder / "log").read_text(errors="replace")[-4000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(LIMIT)
        finally:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
