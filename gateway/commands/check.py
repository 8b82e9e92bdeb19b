"""`gatepost check`: is gateway.yaml right?"""

from __future__ import annotations

from pathlib import Path

import click

from gateway.commands.options import config_option, load_or_exit


@click.command()
@config_option
def check(config: Path) -> None:
    """Finds every problem of the configuration, a line each; exit status 2 where there is one."""
    settings = load_or_exit(config)
    routes, clients, upstreams = len(settings.routes), len(settings.clients), len(settings.upstreams)
    counts = (_count(routes, "route"), _count(clients, "client"), _count(upstreams, "upstream"))
    click.echo(f"{config}: ok ({', '.join(counts)})")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
