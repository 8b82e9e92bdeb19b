"""`gatepost explain METHOD URL`: shows how a request would be routed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from gateway.assembly.example_tokens import example_token
from gateway.assembly.offline_routes import offline_routes
from gateway.assembly.upstreams import configured_upstreams, described
from gateway.commands.options import config_option, load_or_exit
from gateway.http.problems import Problem
from gateway.http.token_syntax import is_token
from gateway.proxy.explain import Explanation, example_head
from gateway.proxy.explain import explain as explained
from gateway.proxy.verdict import Verdict, judge_request


@click.command()
@click.argument("method")
@click.argument("url")
@config_option
@click.option("-H", "--header", "headers", multiple=True, help="A header of the request, as 'Name: value'.")
@click.option("--client", "client_id", default=None, help="Also say whether this client may.")
@click.option("--tool", default=None, help="Whether it may call this tool of an MCP server.")
@click.option("--scope", default=None, help="The scopes of its token. Default: all that it may have.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def explain(
    method: str,
    url: str,
    config: Path,
    headers: tuple[str, ...],
    client_id: str | None,
    tool: str | None,
    scope: str | None,
    as_json: bool,
) -> None:
    """Show which route takes a request, who may call it, and what is sent upstream."""
    settings = load_or_exit(config)
    routes = offline_routes(settings)
    upstreams = {name: described(upstream) for name, upstream in configured_upstreams(settings).items()}
    fields = [_field(header) for header in headers]
    try:
        head = example_head(method.upper(), url, fields)
        explanation = explained(head, routes, upstreams)
    except Problem as problem:
        _show_problem(problem, as_json)
        sys.exit(1)
    verdict = None
    if client_id is not None:
        token = example_token(settings, client_id, None if scope is None else scope.split())
        verdict = judge_request(example_head(method.upper(), url, fields), routes, token, tool)
    if as_json:
        click.echo(json.dumps(_as_object(explanation, client_id, verdict), indent=2))
        return
    path = head.path.decode("latin-1")
    endpoint = (f"{method.upper()} {path} is an endpoint of the gateway.",)
    for line in endpoint if explanation is None else explanation.lines:
        click.echo(line)
    if verdict is not None:
        click.echo(f"{client_id}:".ljust(13) + f" {verdict.status}, {verdict.reason}")


def _as_object(
    explanation: Explanation | None, client_id: str | None, verdict: Verdict | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {"endpoint": True} if explanation is None else asdict(explanation)
    if verdict is not None:
        facts["client"] = {"client_id": client_id, "status": verdict.status, "reason": verdict.reason}
    return facts


def _show_problem(problem: Problem, as_json: bool) -> None:
    """What the caller of such a request would be told."""
    headers = {name.decode(): value.decode() for name, value in problem.headers}
    kind = problem.kind
    if as_json:
        facts = {"status": kind.status, "title": kind.title, "detail": problem.detail, "headers": headers}
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(f"{kind.status} {kind.title}: {problem.detail}", err=True)
    for name, value in headers.items():
        click.echo(f"{name}: {value}", err=True)


def _field(text: str) -> tuple[bytes, bytes]:
    name, colon, value = text.partition(":")
    if not colon or not is_token(name):
        raise click.BadParameter("must be a header such as 'X-Version: 2'", param_hint="--header")
    return name.encode(), value.strip().encode()
