"""Each command that is sent to the store has a right in the table of rights, and the documentation has the
table.
"""

from __future__ import annotations

import re

from gateway.store.rights import FEATURES, acl_rules
from tests.project.imports import ROOT

CONNECTING = {"hello", "auth", "select"}
"""Anybody may use the first two; the last one is needed where the URL names a database."""


def commands_of_the_source() -> set[str]:
    """Every command in scripts and calls of the package that talks to the server."""
    text = "\n".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    found = set(re.findall(r"redis\.p?call\('([A-Z]+)'", text))
    found |= set(re.findall(r"execute\(\s*\"([A-Z]+)\"", text))
    found |= set(re.findall(r"_ask\(wire, \"([A-Z]+)\"(?!, \"TRACKING)", text))
    found |= {"EVAL", "EVALSHA", "TIME", "SUBSCRIBE"}  # by the link and by redis-py
    return {command.lower() for command in found} | {"client|tracking"}


def test_the_rights_are_those_of_the_commands_in_the_source() -> None:
    granted = {command for feature in FEATURES for command in feature.commands}
    assert granted == commands_of_the_source() - CONNECTING


def test_the_documented_rules_are_those_that_are_tested() -> None:
    page = (ROOT / "docs/pages/operations/redis.md").read_text()
    for feature in FEATURES:
        rights = " ".join(f"`{command}`" for command in feature.commands)
        assert f"| {feature.name} | {feature.purpose} | {rights} |" in page.replace("\\|", "|")
    assert " ".join(acl_rules("gatepost:")) in page
