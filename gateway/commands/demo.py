"""`gatepost demo`: the shipped gateway.yaml with a sample backend in the same process."""

from __future__ import annotations

import sys
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from gateway.app import Gateway
from gateway.commands.options import load, load_or_exit
from gateway.commands.token import plain_secret
from gateway.config.model import Settings
from gateway.demo.backend_server import SampleBackend
from gateway.process.supervisor import serve
from gateway.process.workers import nothing_to_describe, serve_workers

USAGE = """
Try it, in another terminal:

  # a token, and another with a scope and a lifetime
  curl -k -u {client}:{secret} -d "grant_type=client_credentials" {url}/token
  curl -k -u {client}:{secret} -d "grant_type=client_credentials&scope=test&validity_period=3200" {url}/token

  # an API call with a token
  TOKEN=$(curl -sk -u {client}:{secret} -d "grant_type=client_credentials&scope=orders.read" {url}/token \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  curl -k -H "Authorization: Bearer $TOKEN" {url}/orders

  # without a token
  curl -ki {url}/orders

  # the developer portal, in a browser, for the user that gateway.yaml names: {url}/portal/
"""


class DemoGateway(Gateway):
    """The gateway together with the sample backend."""

    def __init__(self, settings: Settings, **parts: Any) -> None:
        super().__init__(settings, **parts)
        backend = urlsplit(settings.upstreams["orders"].servers[0].url)
        self._backend = SampleBackend(backend.hostname or "127.0.0.1", backend.port or 80)

    async def start(self) -> None:
        await self._backend.start()
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        await self._backend.stop()


@click.command()
def demo() -> None:
    """Serve the shipped gateway.yaml with a sample backend, and print commands to try."""
    config = shipped_file()
    settings = load_or_exit(config)
    click.echo(curl_lines(settings))
    program = partial(serve_workers, DemoGateway, nothing_to_describe)
    sys.exit(serve(lambda: on_loopback(load(config)), lambda: program))


def on_loopback(settings: Settings) -> Settings:
    """The settings with all listeners bound to loopback: the demo's secrets are public."""
    server = settings.server
    listen = tuple(one.model_copy(update={"host": "127.0.0.1"}) for one in server.listen)
    return settings.model_copy(update={"server": server.model_copy(update={"listen": listen})})


def shipped_file() -> Path:
    """Path of the shipped gateway.yaml: of the source tree or of the installed package."""
    package = Path(str(files("gateway")))
    for path in (package.parent / "gateway.yaml", package / "gateway.yaml"):
        if path.is_file():
            return path
    raise click.ClickException("the shipped gateway.yaml is missing: reinstall Gatepost")


def curl_lines(settings: Settings) -> str:
    """Example curl commands with the demo's client and URL."""
    client = settings.clients[0].id
    return USAGE.format(client=client, secret=plain_secret(settings, client), url=settings.server.public_url)
