"""Options of `gatepost client create` and `update` whose values are checked as those of gateway.yaml."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from gateway.commands.client_checks import FURTHER, WRONG_WORDS, exit_with_error
from gateway.commands.client_files import FileRecord
from gateway.commands.client_form import FormRules, read_clients
from gateway.config.model import Settings
from gateway.config.problems import show
from gateway.oauth.model import Client

Command = TypeVar("Command", bound=Callable[..., Any])

FIELDS = FURTHER
"""What these options set, by the fields' names in `Client`."""
UNSET: Mapping[str, Any] = {name: getattr(Client("-"), name) for name in FIELDS}
"""The fields when nothing is given."""


def checked_options(command: Command) -> Command:
    """Adds the options. Their values are passed to `checked_fields`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def checked_fields(client: Client, given: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The fields that the options set. Says what is wrong with them, and exits with status 2.

    `client` has what the other options say: default scopes must be some of its scopes.
    """
    fields = {name: value for name, value in given.items() if name in FIELDS and value}
    if not fields:
        return {}
    # Only what is given here is checked here; `-` is nobody's id.
    record = FileRecord(1, {"id": "-", "secrets": "-", "scopes": list(client.scopes), **fields})
    found, issues = read_clients([record], FormRules(settings), {}, 0)
    for problem in issues:
        exit_with_error(f"{show(problem.path)}: {problem.text}", WRONG_WORDS)
    return {name: getattr(found[0], name) for name in fields}


def _json(_: click.Context, __: click.Parameter, value: str | tuple[str, ...] | None) -> Any:
    try:
        if isinstance(value, tuple):
            return [json.loads(one) for one in value]
        return None if value is None else json.loads(value)
    except (ValueError, RecursionError):
        raise click.BadParameter("must be JSON") from None


def _claims(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter("must be NAME=VALUE")
        claims[name] = json.loads(text) if text in ("true", "false") or _is_whole(text) else text
    return claims


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and str(int(text)) == text


def _words(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return list(values)


_OPTIONS = (
    click.option(
        "--default-scope",
        "default_scopes",
        multiple=True,
        callback=_words,
        help="What it gets where it names no scope; repeatable.",
    ),
    click.option(
        "--claim",
        "claims",
        multiple=True,
        callback=_claims,
        metavar="NAME=VALUE",
        help="A claim of its own in its tokens; repeatable.",
    ),
    click.option(
        "--network",
        "networks",
        multiple=True,
        callback=_words,
        metavar="CIDR",
        help="A network from which it may ask for tokens; repeatable.",
    ),
    click.option(
        "--subscription",
        "subscriptions",
        multiple=True,
        callback=_words,
        metavar="API",
        help="An API with access: request that it may call; repeatable.",
    ),
    click.option(
        "--jwks-uri",
        default=None,
        metavar="URL",
        help="Where its public keys are fetched.",
    ),
    click.option(
        "--assertion-audience",
        "assertion_audience",
        multiple=True,
        callback=_words,
        metavar="KIND",
        help="Whom its assertions may be made for: issuer, token_endpoint; repeatable.",
    ),
    click.option(
        "--trust",
        multiple=True,
        callback=_json,
        metavar="JSON",
        help="Tokens of another issuer that stand for it, as clients[].trust has them; repeatable.",
    ),
    click.option(
        "--exchange",
        default=None,
        callback=_json,
        metavar="JSON",
        help="Whose tokens it may exchange, as clients[].exchange has it.",
    ),
)
