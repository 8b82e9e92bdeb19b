"""What the commands have in common: the file, and what is said when it can't be used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.config import load as loading
from gateway.config.model import Settings
from gateway.config.problem import ConfigurationError
from gateway.config.units import parse_duration
from gateway.plugin_catalog import Catalog

Command = TypeVar("Command", bound=Callable[..., Any])

UNUSABLE = 2
"""The exit status where gateway.yaml can't be used."""


def seconds(least: int) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    """For an option with whole seconds, written as in gateway.yaml: `600` or `10m`."""

    def read(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
        try:
            given = None if text is None else parse_duration(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        if given is not None and (not given.is_integer() or given < least):
            raise click.BadParameter(f"must be whole seconds, at least {least}")
        return None if given is None else int(given)

    return read


def config_option(command: Command) -> Command:
    """Adds `-c FILE`; the command gets it as `config`."""
    option = click.option(
        "-c",
        "--config",
        metavar="FILE",
        envvar="GATEPOST_CONFIG",
        default="gateway.yaml",
        show_default=True,
        show_envvar=True,
        type=click.Path(path_type=Path),
        help="The configuration.",
    )
    return option(command)


def load(config: Path) -> Settings:
    """The settings of a file, with the process' environment and all installed plugins.

    Raises:
        ConfigurationError: with every problem that the file has.
    """
    return loading.load(config, os.environ, Catalog())


def load_or_exit(config: Path) -> Settings:
    """The settings of a file. Its problems go to standard error, a line each, and the program ends."""
    try:
        return load(config)
    except ConfigurationError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(UNUSABLE)
