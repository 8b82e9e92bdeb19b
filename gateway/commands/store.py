"""`gatepost store …`: whether the store is fit, and backups of what can't be made anew."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from gateway.commands.options import config_option, load_or_exit
from gateway.commands.store_access import with_store
from gateway.commands.store_backup import export_store, import_store
from gateway.config.model import Settings
from gateway.store import Store, parse_address
from gateway.store.address import CLUSTER, EMBEDDED
from gateway.store.inspection import ServerFacts, inspect
from gateway.store.rights import acl_rules, features_of


@click.group()
def store() -> None:
    """Check the store; export and import what can't be made anew."""


store.add_command(export_store)
store.add_command(import_store)


@store.command("check")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def check_store(config: Path, as_json: bool) -> None:
    """Tell what the store is, and what to mend. Exit status 1 if it is not fit, or can't be reached."""
    settings = load_or_exit(config)
    rules = _Rules(settings)

    async def work(opened: Store) -> ServerFacts:
        return await inspect(opened.link, opened.pool, opened.health, opened.names, rules.features)

    facts = with_store(settings, work, check_key=False)
    problems = facts.problems(allow_eviction=settings.store.allow_eviction)
    warnings = facts.warnings(allow_eviction=settings.store.allow_eviction)
    if as_json:
        report = {"fit": not problems, "problems": problems, "warnings": warnings, **_facts(facts)}
        click.echo(
            json.dumps(
                {**report, "acl": " ".join(rules.all()), "acl_by_feature": rules.by_feature()}, indent=2
            )
        )
    else:
        _show(facts, rules)
        for line in problems:
            click.echo(f"problem: {line}")
        for line in warnings:
            click.echo(f"warning: {line}")
        click.echo("fit" if not problems else "not fit")
    sys.exit(1 if problems else 0)


class _Rules:
    """The least rights for a store, as rules of `ACL SETUSER`."""

    def __init__(self, settings: Settings) -> None:
        url = settings.store.url
        address = None if url == EMBEDDED else parse_address(url)
        self._prefix = settings.store.prefix
        self._database = address is not None and address.db > 0
        self.features = features_of(
            cluster=address is not None and address.topology == CLUSTER,
            replicas=settings.store.revoke_wait_replicas,
        )

    def all(self) -> list[str]:
        """The rules of a user who may do everything that is needed."""
        return acl_rules(self._prefix, self.features, database=self._database)

    def by_feature(self) -> dict[str, list[str]]:
        """The rules that each feature needs."""
        return {
            feature.name: acl_rules(self._prefix, [feature], database=self._database)
            for feature in self.features
        }


def _facts(facts: ServerFacts) -> dict[str, object]:
    writes = facts.writes
    return {
        **asdict(facts),
        "writes": {"can_issue": writes.issue_problem is None, "can_revoke": writes.revoke_problem is None},
    }


def _show(facts: ServerFacts, rules: _Rules) -> None:
    """Prints each fact on a line, and the rules of a user with the least rights."""
    limit = "none" if facts.max_memory == 0 else _size(facts.max_memory)
    persistence = [
        name
        for name, is_on in (("append-only file", facts.append_only), ("snapshots", facts.snapshots))
        if is_on
    ]
    rows = {
        "server": f"{facts.server} {facts.version}",
        "role": f"{facts.role} ({facts.mode})",
        "maxmemory-policy": facts.policy or "unknown",
        "persistence": ", ".join(persistence) or ("unknown" if facts.append_only is None else "none"),
        "memory": f"{_size(facts.used_memory)}, limit {limit}",
        "tracking": "yes" if facts.tracking else "no",
        "clock": f"this machine is {facts.clock_difference:+.3f} s ahead of the server",
        "round trip": f"{facts.median_latency * 1000:.2f} ms, at most {facts.max_latency * 1000:.2f} ms",
        "tokens": f"{'can' if facts.writes.issue_problem is None else 'CANNOT'} be issued, "
        f"{'can' if facts.writes.revoke_problem is None else 'CANNOT'} be revoked",
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        click.echo(f"{name:<{width}}  {value}")
    click.echo("least rights:")
    click.echo(f"  ACL SETUSER gatepost on '>PASSWORD' {' '.join(rules.all())}")


def _size(size: int | None) -> str:
    return "unknown" if size is None else f"{size / (1 << 20):.1f} MiB"
