"""The running gateway, asked over its management listener."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from gateway.assembly.config_identity import opened_source
from gateway.commands.options import load_or_exit
from gateway.commands.token import reason
from gateway.config.includes import files_of
from gateway.config.load import load_text
from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.errors import GatepostError
from gateway.plugin.catalog import PluginCatalog
from gateway.process.process_status import pid_namespace

Command = TypeVar("Command", bound=Callable[..., Any])

TIMEOUT = 5.0
"""Seconds to wait for an answer."""

POLL_INTERVAL = 0.05
"""Seconds between two questions whether something has been done."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 (listened to, not connected to)
"""What to connect to where a server listens on every address."""


class NotRunning(GatepostError):  # noqa: N818 (the name says the state)
    """The gateway does not answer, or can't be asked."""


def management_option(command: Command) -> Command:
    """Adds `--url`, for when the file can't be loaded; passed to the command as `url`."""
    return click.option(
        "--url", metavar="URL", default=None, help="The management listener. Default: the one in the file."
    )(command)


def management_listener(config: Path, url: str | None) -> str:
    """The URL of the management listener: as given, or of the file. Exits if there is none."""
    if url is not None:
        return url.rstrip("/")
    try:
        return management_url(load_or_exit(config))
    except NotRunning as error:
        fail(error)


def fetch(management: str, path: str) -> dict[str, Any]:
    """A document of the management listener at the URL `management`. Raises NotRunning."""
    url = management + path
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:  # noqa: S310 (http, by the configuration)
            document: dict[str, Any] = json.load(response)
            return document
    except urllib.error.HTTPError as error:
        raise NotRunning(f"{url} answers with status {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotRunning(f"no response from {url}: {reason(error)}") from None


def fetch_or_exit(management: str, path: str) -> dict[str, Any]:
    """As `fetch`; exits with status 1 if there is no answer."""
    try:
        return fetch(management, path)
    except NotRunning as error:
        fail(error)


def management_url(settings: Settings) -> str:
    """The URL of the management listener. Raises NotRunning if there is none."""
    if settings.management is None:
        raise NotRunning("management is false in the configuration: the running gateway can't be asked")
    host = EVERYWHERE.get(settings.management.host, settings.management.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.management.port}"


def fail(error: Exception) -> NoReturn:
    """Prints the error as one line and exits with status 1."""
    click.echo(f"gatepost: {error}", err=True)
    sys.exit(1)


def running_settings(settings: Settings) -> Settings:
    """What the gateway is running with. `settings` says where it is, and its master key opens the answer."""
    try:
        document = fetch(management_url(settings), "/configuration")
    except NotRunning as error:
        fail(error)
    source = opened_source(settings, document["sealed"])
    if source is None:
        fail(NotRunning("the running gateway has another master key: its configuration can't be read"))
    try:
        name, files = f"{source.file} (running)", files_of(source)
        return load_text(source.text, source.variables, PluginCatalog(), name, files=files)
    except ConfigurationError as error:
        fail(error)


def signal_gateway(pid: int, namespace: str | None, number: signal.Signals) -> None:
    """Sends the gateway a signal, unless the pid has its meaning elsewhere. Raises NotRunning."""
    if namespace != pid_namespace():
        raise NotRunning("the gateway runs in another container: run this there")
    try:
        os.kill(pid, number)
    except PermissionError:
        raise NotRunning(f"no permission to signal process {pid}: run this as the gateway's user") from None
    except ProcessLookupError:
        raise NotRunning(f"process {pid} has ended") from None


def wait_for_report(
    management: str, member: str, before: dict[str, Any] | None, timeout: float
) -> dict[str, Any]:
    """The first report of this member of `/status` after the one `before`. Raises NotRunning."""
    deadline = time.monotonic() + timeout
    unanswered = None
    while time.monotonic() < deadline:
        try:
            last = fetch(management, "/status")[member]
        except NotRunning as error:
            # One program may be about to take another one's place.
            unanswered = error
        else:
            unanswered = None
            if last is not None and last["number"] > (before or {"number": 0})["number"]:
                report: dict[str, Any] = last
                return report
        time.sleep(POLL_INTERVAL)
    raise unanswered or NotRunning(f"it has not ended within {timeout:g} seconds; see the gateway's log")
