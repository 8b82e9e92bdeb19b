"""The command line: one file per command, imported only when the command is called."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import Any

import click

from gateway import __version__
from gateway.errors import system_error
from gateway.runtime.edition import is_compiled, version_text
from gateway.runtime.gc_pause import paused_gc

COMMANDS = {
    "audit": "Check that nobody has changed the audit log.",
    "check": "Report every problem in gateway.yaml.",
    "client": "Manage the clients in the store.",
    "demo": "Serve the shipped gateway.yaml with a sample backend.",
    "diff": "Show what changes, for whom, between two configurations.",
    "explain": "Show what happens to a request.",
    "export": "Write gateway.yaml as a configuration of another program.",
    "import": "Convert OpenAPI, Kong's or WSO2's configuration to gateway.yaml.",
    "keys": "List and rotate the keys that sign JWTs.",
    "log-level": "Show or change the log level of the running gateway.",
    "prune": "Show routes, scopes and grants that nobody has used.",
    "reload": "Reload the running gateway and say what changed.",
    "replay": "Show which logged requests would fare otherwise.",
    "routes": "Show the routes of the running gateway.",
    "run": "Serve gateway.yaml.",
    "schema": "Print the JSON Schema of gateway.yaml.",
    "status": "Show what the running gateway is doing.",
    "subscription": "Decide who may call APIs with access: request.",
    "store": "Check the store; export and import clients, users and keys.",
    "team": "Manage the portal's teams.",
    "test": "Check expectations against gateway.yaml, without a network.",
    "token": "Request a token from the running gateway.",
    "top": "Show requests by route, live.",
    "upgrade": "Replace the running gateway by the installed program.",
    "user": "Manage the portal's people in the store.",
    "webhook": "Manage the webhooks of applications.",
    "why": "Say why a request was refused.",
    "xds": "Serve gateway.yaml live to a fleet of Envoys.",
}

MODULES = {"import": "import_routes", "log-level": "log_level"}
"""The modules of commands whose names can't be those of modules."""


LONG_LIVED = ("run", "demo")
"""Commands that serve until they are stopped."""


class LazyGroup(click.Group):
    """Imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = MODULES.get(cmd_name, cmd_name)
        # Pydantic would look for plugins of its own in each package that is installed.
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        with paused_gc(), import_module("gateway.runtime.bytecode_cache").bytecode_cache():
            if cmd_name in LONG_LIVED:
                import_module("gateway.process.system_trust").import_aiohttp()
            found = getattr(import_module(f"gateway.commands.{name}"), name)
            if cmd_name in LONG_LIVED:
                # What has been imported stays: the collector need not look through it.
                gc.freeze()
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            from difflib import get_close_matches  # noqa: PLC0415 (only for a slip of the pen)

            if meant := get_close_matches(args[0], COMMANDS, n=1):
                ctx.fail(f"No such command {args[0]!r} (did you mean {meant[0]}?).")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """A full disk, or no permission, is one line, as any other reason is."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:
                # Standard output: what waits for it must not fail once more when the program ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            click.echo(f"gatepost: {system_error(error)}", err=True)
            sys.exit(1)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version_text(__version__, compiled=is_compiled()), prog_name="gatepost")
def main() -> None:
    """Gatepost: an API gateway with its own OAuth 2 token server."""
