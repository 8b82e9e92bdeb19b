"""Options and error output shared by the commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from gateway.config import load as loading
from gateway.config.checks.check import Check
from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.config.units import parse_duration
from gateway.plugin.catalog import PluginCatalog

Command = TypeVar("Command", bound=Callable[..., Any])

EXIT_CONFIGURATION_ERROR = 2
"""Exit status for an invalid configuration."""


def seconds(minimum: int) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    """Callback for a duration option in whole seconds (`600` or `10m`), at least `minimum`."""

    def parse(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
        try:
            value = None if text is None else parse_duration(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        if value is not None and (not value.is_integer() or value < minimum):
            raise click.BadParameter(f"must be whole seconds, at least {minimum}")
        return None if value is None else int(value)

    return parse


def config_option(command: Command) -> Command:
    """Adds the option `-c FILE`, passed to the command as `config`."""
    option = click.option(
        "-c",
        "--config",
        metavar="FILE",
        envvar="GATEPOST_CONFIG",
        default="gateway.yaml",
        show_default=True,
        show_envvar=True,
        type=click.Path(path_type=Path),
        help="The configuration file.",
    )
    return option(command)


def prints_json(command: Command) -> Command:
    """Accepts `--json` on a command that prints JSON in any case, so that every command takes it."""
    option = click.option("--json", is_flag=True, expose_value=False, help="Print JSON; it does so anyway.")
    return option(command)


def load(config: Path, further: Sequence[Check] = ()) -> Settings:
    """Loads a configuration with the process environment and all installed plugins.

    `further`: additional checks.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    return loading.load(config, os.environ, PluginCatalog(), further)


def load_or_exit(config: Path, further: Sequence[Check] = ()) -> Settings:
    """Loads a configuration. If it is invalid, prints its problems to stderr and exits with status 2."""
    try:
        return load(config, further)
    except ConfigurationError as error:
        exit_with_problems(error)


def exit_with_problems(error: ConfigurationError) -> NoReturn:
    """Prints each problem on a line of standard error and exits with status 2."""
    for problem in error.problems:
        click.echo(str(problem), err=True)
    sys.exit(EXIT_CONFIGURATION_ERROR)
