"""`gatepost export`: gateway.yaml as configurations of other programs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import click
import yaml

from gateway.commands.options import Command, config_option, load_or_exit
from gateway.config.addresses import check_origin
from gateway.export.envoy import EnvoyOptions, export_envoy
from gateway.export.kubernetes import KubernetesOptions, export_kubernetes

_MAX_PORT = 65_535
_LABEL = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1123 section 2.1."""


@click.group()
def export() -> None:
    """Write gateway.yaml as a configuration of another program."""


def check_gateways(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Validates the URLs of gateways: all by HTTP, or all by HTTPS."""
    try:
        found = tuple(check_origin(value) for value in values)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if len({urlsplit(url).scheme for url in found}) > 1:
        raise click.BadParameter("must be all http or all https")
    return found


def envoy_options(command: Command) -> Command:
    """Adds what a configuration of Envoy needs beside gateway.yaml."""
    options = (
        click.option(
            "--gateway",
            "gateways",
            multiple=True,
            default=["http://127.0.0.1:8280"],
            show_default=True,
            callback=check_gateways,
            help="The URL at which Envoy reaches this gateway; several if there are several.",
        ),
        click.option(
            "--check",
            type=click.Choice(["ext_authz", "lua"]),
            default="ext_authz",
            show_default=True,
            help="ext_authz: Envoy asks the gateway about each request. lua: it remembers for up to 90 ms "
            "whom the gateway has let in, on routes where nothing but the token matters.",
        ),
        click.option("--http3", is_flag=True, help="Serve HTTP/3 too, on the ports of listeners with TLS."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@export.command()
@config_option
@envoy_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which Envoy reads as well.")
def envoy(config: Path, gateways: tuple[str, ...], check: str, http3: bool, as_json: bool) -> None:
    """Print an Envoy configuration that asks this gateway about each request."""
    found = export_envoy(load_or_exit(config), EnvoyOptions(gateways, http3=http3, lua=check == "lua"))
    if as_json:
        click.echo(json.dumps(found.bootstrap, indent=2))
        for note in found.notes:
            click.echo(note, err=True)
        return
    click.echo("# Made by `gatepost export envoy`.")
    for note in found.notes:
        click.echo(f"# - {note}")
    click.echo(yaml.safe_dump(found.bootstrap, sort_keys=False, width=110), nl=False)


def _namespace(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _LABEL.fullmatch(value):
        raise click.BadParameter("must be the name of a namespace: a-z, 0-9 and -, at most 63")
    return value


def _service(_: click.Context, __: click.Parameter, value: str) -> tuple[str, int]:
    name, _colon, port = value.partition(":")
    if not _LABEL.fullmatch(name) or not port.isdecimal() or not 1 <= int(port) <= _MAX_PORT:
        raise click.BadParameter("must be NAME:PORT of a Service, as in gatepost:80")
    return name, int(port)


@export.command()
@config_option
@click.option(
    "--namespace",
    callback=_namespace,
    help="Where everything is, Gatepost's Service too. Left out: the namespace of whoever applies it.",
)
@click.option(
    "--service",
    default="gatepost:80",
    show_default=True,
    callback=_service,
    help="Gatepost's own Service and its port, without TLS.",
)
@click.option("--gateway-class", default="eg", show_default=True, help="The GatewayClass of Envoy Gateway.")
@click.option("--json", "as_json", is_flag=True, help="Print a List in JSON.")
def kubernetes(
    config: Path, namespace: str | None, service: tuple[str, int], gateway_class: str, as_json: bool
) -> None:
    """Print resources of the Gateway API and of Envoy Gateway, whose Envoys ask this gateway.

    What Envoy can't do, and what must be made by hand, is a line on standard error.
    """
    options = KubernetesOptions(service, namespace, gateway_class)
    found = export_kubernetes(load_or_exit(config), options)
    for note in found.notes:
        click.echo(note, err=True)
    if as_json:
        items = {"apiVersion": "v1", "kind": "List", "items": list(found.resources)}
        click.echo(json.dumps(items, indent=2))
        return
    click.echo("# Made by `gatepost export kubernetes`.")
    click.echo(yaml.dump_all(found.resources, Dumper=_Plain, sort_keys=False, width=110), nl=False)


class _Plain(yaml.SafeDumper):
    """YAML without anchors: a value that is there twice is written twice."""

    def ignore_aliases(self, data: object) -> bool:
        """Always."""
        return True
