"""`gatepost check`: validates gateway.yaml."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gateway.commands.options import EXIT_CONFIGURATION_ERROR, config_option, exit_with_problems, load
from gateway.config import load as loading
from gateway.config.problems import ConfigurationError, ReportedProblem
from gateway.plugin.catalog import PluginCatalog


@click.command()
@config_option
@click.option("--secrets", is_flag=True, help="Also list every secret that is left, with its place.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, also of a file with problems.")
def check(config: Path, secrets: bool, as_json: bool) -> None:
    """Report every problem in the configuration, one per line; exit status 2 if there is one.

    Warnings, for instance about weak secrets, do not change the exit status.
    """
    try:
        settings = load(config)
    except ConfigurationError as error:
        if as_json:
            _show_json({"ok": False, "problems": _as_objects(error.problems)})
            sys.exit(EXIT_CONFIGURATION_ERROR)
        exit_with_problems(error)
    warnings = loading.warnings(config, os.environ, PluginCatalog())
    left = loading.secrets_left(config, os.environ, PluginCatalog()) if secrets else ()
    counts = {name: len(getattr(settings, f"{name}s")) for name in ("route", "client", "upstream")}
    if as_json:
        facts = {"ok": True, "problems": [], "warnings": _as_objects(warnings)}
        facts |= {f"{name}s": number for name, number in counts.items()}
        _show_json(facts | ({"secrets": _as_objects(left)} if secrets else {}))
        return
    for warning in warnings:
        click.echo(f"{warning.place}: warning: {warning.key}: {warning.text}", err=True)
    click.echo(f"{config}: ok ({', '.join(_count(number, noun) for noun, number in counts.items())})")
    if secrets:
        _show_secrets(left)


def _show_json(facts: dict[str, Any]) -> None:
    click.echo(json.dumps(facts, indent=2))


def _as_objects(found: Iterable[ReportedProblem]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]


def _show_secrets(found: Sequence[ReportedProblem]) -> None:
    for one in found:
        click.echo(str(one))
    click.echo(_count(len(found), "secret"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
