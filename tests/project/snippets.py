"""The snippets of the documentation: where they stand, and what a fragment of gateway.yaml needs besides."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, KeySet

from tests.certificates import Certificate
from tests.project.imports import ROOT

PAGES = ROOT / "docs" / "pages"
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a page."""

    page: Path
    line: int
    info: str
    """What stands after the three backticks: `yaml` is gateway.yaml, or a part of it."""
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def snippets() -> Iterator[Snippet]:
    """Those of all pages, and the shipped gateway.yaml as one more."""
    for page in (*sorted(ROOT.glob("*.md")), *sorted(PAGES.rglob("*.md"))):
        text = page.read_text()
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            body = re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)
            yield Snippet(page, line, match[2].strip(), body)
    yield Snippet(ROOT / "gateway.yaml", 1, "yaml", (ROOT / "gateway.yaml").read_text())


class AsEditorsRead(yaml.SafeLoader):
    """YAML 1.2 as editors read it, and Gatepost: keys are text, and a date is text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, _ in node.value:
            key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)


AsEditorsRead.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> dict[str, Any]:
    """A snippet's tree."""
    tree = yaml.load(text, AsEditorsRead)  # noqa: S506 (a safe loader)
    assert isinstance(tree, dict)
    return tree


def environment(text: str) -> dict[str, str]:
    """A value for every variable that has no default, each another one."""
    found = {name: f"{name.lower()}-0123456789-0123456789-0123456789" for name in REFERENCE.findall(text)}
    # Standard Webhooks says what these look like.
    return found | {name: f"whsec_{'MfKQ9r8G' * 4}" for name in found if name == "NOTIFY_SECRET"}


SERVER = {"servers": [{"url": "http://127.0.0.1:9001"}]}
COMPLETIONS: dict[str, dict[str, Any]] = {
    "upstreams": SERVER,
    "issuers": {"issuer": "https://id.example.org", "audiences": ["https://api.example.org"]},
    "tiers": {"limit": 1000, "per": "1m"},
    "grants": {"enabled": True},
}
"""What a fragment refers to without saying what it is."""


def completed(tree: dict[str, Any]) -> dict[str, Any]:
    """The fragment, and what it refers to."""
    tree = {key: list(value) if isinstance(value, list) else value for key, value in tree.items()}
    for section, name in _references(tree):
        there = tree.get(section) or {}
        if name not in there and not (section == "grants" and name == "client_credentials"):
            tree[section] = {**there, name: COMPLETIONS[section]}
    return tree


def _references(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for route in tree.get("routes", []):
        parts = (route, route.get("canary") or {})
        targets = [part["upstream"] for part in parts if "upstream" in part]
        yield from (("upstreams", target) for target in targets if "://" not in target)
        yield from (("issuers", name) for name in route.get("issuers", []))
    for client in tree.get("clients", []):
        yield from (("grants", name) for name in client.get("grants", []))
        if client.get("tier"):
            yield "tiers", client["tier"]
    of_routes = [use for route in tree.get("routes", []) for use in route.get("plugins", [])]
    for use in (*tree.get("plugins", []), *of_routes):
        if use.get("with", {}).get("tier"):
            yield "tiers", use["with"]["tier"]
    yield from (("tiers", name) for name in tree.get("portal", {}).get("tiers", []))


OF_EXTRAS = {"authorize": "cedarpy", "openapi": "openapi_spec_validator"}
"""Plugins that are an error of `check` where a module of their extra is missing."""


def missing_modules(tree: dict[str, Any]) -> list[str]:
    """Modules without which the tree can't be checked here."""
    uses = [use for route in tree.get("routes", []) for use in route.get("plugins", [])]
    needed = {OF_EXTRAS.get(use["use"]) for use in (*tree.get("plugins", []), *uses)} - {None}
    return sorted(name for name in needed if name is not None and find_spec(name) is None)


def make_files(tree: Any, folder: Path) -> None:
    """The files that a tree names, each of its kind, in the folder in which it is checked."""
    for key, value in _leaves(tree):
        make = FILES.get(key)
        if make is not None and isinstance(value, str) and "${" not in value:
            path = folder / value
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(make())


def _leaves(tree: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _leaves(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from _leaves(value, key)
    else:
        yield key, tree


def _private_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


@cache
def _pair() -> bytes:
    """A certificate and its key."""
    certificate = Certificate()
    key = certificate.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.pem + bytes(key)


def _key_set() -> bytes:
    key = ECKey.generate_key("P-256", {"kid": "1", "use": "sig"})
    return json.dumps(KeySet([key]).as_dict(private=False)).encode()


def _openapi() -> bytes:
    info = {"title": "Orders", "version": "1"}
    return json.dumps({"openapi": "3.1.0", "info": info, "paths": {}}).encode()


FILES: dict[str, Callable[[], bytes]] = {
    "document": _openapi,
    "policies": lambda: b"permit(principal, action, resource);",
    "certificate": _pair,
    "key": _pair,
    "keys": _private_key,
    "client_ca": lambda: Certificate(authority=True).pem,
    "ca": lambda: Certificate(authority=True).pem,
    "jwks_file": _key_set,
    "pages": lambda: b"# A page",
    "catalogues": lambda: b"# No translation yet.",
}
"""What makes the file that a key names."""
