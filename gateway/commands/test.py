"""`gatepost test FILE`: checks expectations against a configuration, without network access."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gateway.assembly.example_tokens import example_token
from gateway.assembly.offline_routes import offline_routes
from gateway.commands.options import config_option, exit_with_problems, load_or_exit
from gateway.config.expectations import Expectation, load_expectations
from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.http.problems import Problem
from gateway.proxy.explain import example_head
from gateway.proxy.route_table import RouteTable
from gateway.proxy.verdict import Verdict, judge_request

KEYS = ("status", "route", "upstream")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def test(file: Path, config: Path, as_json: bool) -> None:
    """Check the expectations in FILE: route, status and upstream request of each example request."""
    settings = load_or_exit(config)
    try:
        expectations = load_expectations(file)
    except ConfigurationError as error:
        exit_with_problems(error)
    routes = offline_routes(settings)
    results = []
    for placed in expectations:
        verdict = _verdict(placed.expectation, settings, routes)
        results.append(
            (placed.line, placed.expectation, verdict, list(_differences(placed.expectation, verdict)))
        )
    if as_json:
        click.echo(json.dumps([_to_json(*result) for result in results], indent=2))
    failed = [result for result in results if result[3]]
    if not as_json:
        for line, expectation, verdict, differences in failed:
            client = f" ({expectation.client})" if expectation.client is not None else ""
            text = f"{expectation.request}{client}: {'; '.join(differences)}; {verdict.reason}"
            click.echo(f"{file}:{line}: {text}")
        click.echo(f"{len(results) - len(failed)} of {len(results)} expectations hold")
    sys.exit(1 if failed else 0)


def _verdict(expectation: Expectation, settings: Settings, routes: RouteTable) -> Verdict:
    method, url = expectation.request.split()
    headers = [(name.encode(), value.encode()) for name, value in expectation.headers.items()]
    token = (
        None
        if expectation.client is None
        else example_token(settings, expectation.client, expectation.scopes)
    )
    try:
        return judge_request(example_head(method, url, headers), routes, token, expectation.tool)
    except Problem as problem:
        return Verdict(problem.kind.status, problem.detail)


def _differences(expectation: Expectation, verdict: Verdict) -> Iterator[str]:
    for key in KEYS:
        expected, actual = getattr(expectation.expect, key), getattr(verdict, key)
        if expected is not None and expected != actual:
            yield f"{key} is {actual if actual is not None else 'none'}, not {expected}"


def _to_json(
    line: int, expectation: Expectation, verdict: Verdict, differences: list[str]
) -> dict[str, object]:
    return {
        "line": line,
        "request": expectation.request,
        "client": expectation.client,
        "holds": not differences,
        "status": verdict.status,
        "route": verdict.route,
        "upstream": verdict.upstream,
        "reason": verdict.reason,
        "differences": differences,
    }
