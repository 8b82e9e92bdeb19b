"""The command line: one file a command, found when it is called, so that none slows down another."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

import click

from gateway import __version__

COMMANDS = {
    "check": "Finds every problem in gateway.yaml.",
    "client": "Manages the clients that are kept in the store.",
    "demo": "Serves the shipped gateway.yaml with a sample backend.",
    "explain": "Says what happens to a request.",
    "keys": "Lists and rotates the keys that sign JWTs.",
    "run": "Serves gateway.yaml.",
    "schema": "Prints the JSON Schema of gateway.yaml.",
    "token": "Asks the running gateway for a token.",
}


class LazyGroup(click.Group):
    """Imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = getattr(import_module(f"gateway.commands.{cmd_name}"), cmd_name)
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and (meant := get_close_matches(args[0], COMMANDS, n=1)):
            ctx.fail(f"No such command {args[0]!r} (did you mean {meant[0]}?).")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gatepost")
def main() -> None:
    """Gatepost: an API gateway with its own OAuth 2 token server."""
