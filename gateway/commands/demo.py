"""`gatepost demo`: the shipped gateway.yaml with a sample backend in the same process."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from gateway.app import Gateway
from gateway.commands.options import load, load_or_exit
from gateway.commands.token import plain_secret
from gateway.config.model import Settings
from gateway.process.backend import SampleBackend
from gateway.process.supervisor import serve

TRY = """
Try it, in another terminal:

  # a token, and another with a scope and a lifetime of its own
  curl -k -u {client}:{secret} -d "grant_type=client_credentials" {url}/token
  curl -k -u {client}:{secret} -d "grant_type=client_credentials&scope=test&validity_period=3200" {url}/token

  # an API call with a token
  TOKEN=$(curl -sk -u {client}:{secret} -d "grant_type=client_credentials&scope=orders.read" {url}/token \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  curl -k -H "Authorization: Bearer $TOKEN" {url}/orders

  # what strangers get
  curl -ki {url}/orders

  # the developer portal, in a browser, for the user that gateway.yaml names: {url}/portal/
"""


class DemoGateway(Gateway):
    """The gateway, and behind it the sample backend."""

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
    """Serves the shipped gateway.yaml with a sample backend, and says what to try."""
    config = shipped_file()
    first = load_or_exit(config)
    click.echo(curl_lines(first))
    sys.exit(serve(lambda: load(config), DemoGateway))


def shipped_file() -> Path:
    """The gateway.yaml that comes with the program: of the clone, or of the installed package."""
    package = Path(str(files("gateway")))
    for place in (package.parent / "gateway.yaml", package / "gateway.yaml"):
        if place.is_file():
            return place
    raise click.ClickException("the shipped gateway.yaml is missing: install Gatepost anew")


def curl_lines(settings: Settings) -> str:
    """Lines to paste, with the demo's client and this gateway's address."""
    client = settings.clients[0].id
    return TRY.format(client=client, secret=plain_secret(settings, client), url=settings.server.public_url)
