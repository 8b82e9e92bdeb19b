"""`gatepost xds`: serves gateway.yaml live to a fleet of Envoys."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
import yaml

from gateway.commands.export import envoy_options
from gateway.commands.options import config_option, exit_with_problems, load, load_or_exit
from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.config.referenced_files import referenced_files, source_files
from gateway.export.envoy import EnvoyExport, EnvoyOptions, export_envoy
from gateway.export.envoy_listeners import certificates
from gateway.process.file_watch import file_states
from gateway.xds.bootstrap import UNIX, xds_bootstrap
from gateway.xds.log import Log
from gateway.xds.resources import Resources, xds_resources

if TYPE_CHECKING:
    from gateway.xds.server import DiscoveryServer, ServerTls

INTERVAL = 0.5
"""Seconds between two looks at the files. A change counts once it has stayed the same for this long."""
EXTRA = "gatepost xds needs the extra xds: pip install 'gatepost[xds]'"
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _address(_: click.Context, __: click.Parameter, value: str) -> str:
    if value.startswith(f"{UNIX}/"):
        return value
    try:
        parts = urlsplit(f"//{value}")
        complete = parts.hostname is not None and parts.port is not None and parts.netloc == value
    except ValueError:
        complete = False
    if not complete:
        raise click.BadParameter("must be HOST:PORT, or unix: and an absolute path")
    return value


def _tls_files(
    listen: str, certificate: Path | None, key: Path | None, client_ca: Path | None
) -> ServerTls | None:
    """The resources have private keys in them: only Envoys may read them."""
    from gateway.xds.server import ServerTls  # noqa: PLC0415 (an extra)

    if certificate and key and client_ca and not listen.startswith(UNIX):
        return ServerTls(certificate, key, client_ca)
    if certificate or key or client_ca or not listen.startswith(UNIX):
        raise click.UsageError(
            "HOST:PORT needs --certificate, --key and --client-ca; a Unix socket has none of them"
        )
    return None


@click.command()
@config_option
@envoy_options
@click.option(
    "--listen",
    default="unix:/run/gatepost-xds.sock",
    show_default=True,
    callback=_address,
    help="Where Envoys connect: unix: and a path, or HOST:PORT, which needs the three files.",
)
@click.option("--certificate", type=_FILE, help="PEM file: the certificate of this server.")
@click.option("--key", type=_FILE, help="PEM file: its private key.")
@click.option("--client-ca", type=_FILE, help="PEM file: the CAs of the certificates that Envoys must show.")
@click.option("--bootstrap", is_flag=True, help="Print the file that each Envoy starts with, and end.")
def xds(
    config: Path,
    gateways: tuple[str, ...],
    check: str,
    http3: bool,
    listen: str,
    certificate: Path | None,
    key: Path | None,
    client_ca: Path | None,
    bootstrap: bool,
) -> None:
    """Serve gateway.yaml live to Envoys, which follow each change of it (xDS)."""
    if bootstrap:
        made = xds_bootstrap(listen, load_or_exit(config).server.max_connections)
        click.echo(yaml.safe_dump(made, sort_keys=False), nl=False)
        return
    try:
        tls = _tls_files(listen, certificate, key, client_ca)
    except ImportError:
        raise click.ClickException(EXTRA) from None
    files = ConfigFiles(config, EnvoyOptions(gateways, http3=http3, lua=check == "lua"))
    try:
        resources = files.read()
    except ConfigurationError as error:
        exit_with_problems(error)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    sys.exit(asyncio.run(_serve(files, resources, listen, tls)))


def _say(line: str) -> None:
    click.echo(f"gatepost xds: {line}", err=True)


class ConfigFiles:
    """gateway.yaml and the files that it names."""

    def __init__(self, config: Path, options: EnvoyOptions) -> None:
        self._config = config
        self._options = options
        self._names: list[str] = [str(config)]
        self._read = self._seen = file_states(self._names)
        self._notes: tuple[str, ...] = ()

    def read(self) -> Resources:
        """What comes of them now.

        Raises:
            ConfigurationError: the file is wrong.
            OSError: a certificate or a key can't be read.
            ValueError: what comes of it does not have Envoy's form.
        """
        from gateway.xds.messages import check_resources  # noqa: PLC0415 (an extra)

        # What is written while they are read is read again.
        self._read = self._seen = file_states(self._names)
        settings = load(self._config)
        self._names = _names(settings)
        self._read = self._seen = {**file_states(self._names), **self._read}
        made = export_envoy(settings, self._options)
        resources = xds_resources(made.bootstrap, lambda file: Path(file).read_text())
        check_resources(resources)
        self._tell(made)
        return resources

    def _tell(self, made: EnvoyExport) -> None:
        for note in made.notes:
            if note not in self._notes:
                _say(note)
        self._notes = made.notes

    def changed(self) -> bool:
        """Whether they are others than were read, and have been so at the last look too."""
        before, self._seen = self._seen, file_states(self._seen)
        return self._seen != self._read and self._seen == before


def _names(settings: Settings) -> list[str]:
    server = settings.server
    pairs = [pair for listen in server.listen for pair in certificates(listen, server) or ()]
    own = [str(file) for pair in pairs for file in (pair.certificate, pair.key)]
    return [*source_files(settings), *referenced_files(settings), *own]


async def _serve(files: ConfigFiles, resources: Resources, address: str, tls: ServerTls | None) -> int:
    """Serves until it is told to stop; the exit status."""
    from gateway.xds.server import DiscoveryServer  # noqa: PLC0415 (an extra)

    server = DiscoveryServer(resources, Log(_say))
    ended, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    try:
        where = await server.start(address, tls)
    except OSError as error:
        _say(str(error))
        return 1
    _say(f"ready on {where}")
    following = asyncio.create_task(_follow(files, server, reload))
    await ended.wait()
    following.cancel()
    await server.stop()
    return 0


async def _follow(files: ConfigFiles, server: DiscoveryServer, reload: asyncio.Event) -> None:
    """Reads the files again when they change, or when it is told to (SIGHUP)."""
    while True:
        try:
            await asyncio.wait_for(reload.wait(), INTERVAL)
        except TimeoutError:
            if not files.changed():
                continue
        reload.clear()
        try:
            server.replace(files.read())
        except ConfigurationError as error:
            for problem in error.problems:
                _say(str(problem))
            _say("nothing is changed: the file is wrong")
        except (OSError, ValueError) as error:
            _say(f"nothing is changed: {error}")
        else:
            _say("the configuration is a new one")
