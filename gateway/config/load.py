"""Loads gateway.yaml: all of it is right, or everything that is wrong is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os.path import isfile
from pathlib import Path

from gateway.config.catalog import Catalog
from gateway.config.checks import ALL
from gateway.config.checks.finding import Finding, Surroundings
from gateway.config.compose import compose
from gateway.config.decode import decode
from gateway.config.draft import Draft
from gateway.config.environment import substitute
from gateway.config.grants import ON_BY_DEFAULT
from gateway.config.model import Settings
from gateway.config.plugin_configs import PluginConfigs
from gateway.config.problem import START, ConfigurationError, Fault, problems_of, suggest
from gateway.config.source import Unusable, read_text
from gateway.config.tree import Leaf, MapNode, child, find, nearest


def load(path: Path, environ: Mapping[str, str], catalog: Catalog) -> Settings:
    """The settings of a file.

    Raises:
        ConfigurationError: with every problem that the file has.
    """
    try:
        text = read_text(path)
    except Unusable as error:
        raise ConfigurationError(problems_of(str(path), [error.fault])) from None
    return load_text(text, environ, catalog, str(path))


def load_text(
    text: str, environ: Mapping[str, str], catalog: Catalog, file: str = "gateway.yaml"
) -> Settings:
    """The settings of a text; `file` is what problems call it.

    Raises:
        ConfigurationError: with every problem that the text has.
    """
    settings, faults = _settings(text, environ, catalog)
    if settings is None or faults:
        raise ConfigurationError(problems_of(file, faults))
    return settings


def _settings(text: str, environ: Mapping[str, str], catalog: Catalog) -> tuple[Settings | None, list[Fault]]:
    root, faults = compose(text)
    if root is None:
        return None, faults
    if not isinstance(root, MapNode):
        return None, [
            *faults,
            Fault(root.place, (), "the file must be a mapping: keys such as routes, each with :"),
        ]
    faults += substitute(root, environ)
    draft = Draft()
    plugins = PluginConfigs(root, catalog, draft)
    plugins.decode()
    settings, of_model = decode(Settings, root, (), draft)
    faults += [*plugins.faults, *of_model]
    if settings is None or (draft.removed and not faults):
        # Nothing is left out in silence.
        return None, faults or [Fault(START, (), "can't be used")]
    return settings, [*faults, *_cross_checked(settings, root, draft, catalog)]


def _cross_checked(settings: Settings, root: MapNode, draft: Draft, catalog: Catalog) -> Iterator[Fault]:
    surroundings = Surroundings(
        upstreams=_names(root, "upstreams"),
        issuers=_names(root, "issuers"),
        grants=_names(root, "grants") | {ON_BY_DEFAULT},
        known_grants=tuple(catalog.names("grant")),
        is_file=isfile,
        read=Path.read_bytes,
    )
    for check in ALL:
        for finding in check(settings, surroundings):
            if not any(draft.affects(draft.origin(path)) for path in finding.depends):
                yield _fault(finding, root, draft)


def _names(root: MapNode, key: str) -> frozenset[str]:
    node = child(root, key)
    return frozenset(node.entries) if isinstance(node, MapNode) else frozenset()


def _fault(finding: Finding, root: MapNode, draft: Draft) -> Fault:
    path = draft.origin(finding.path)
    text = finding.text
    if finding.first is not None:
        text += f" (the first is on line {nearest(root, draft.origin(finding.first)).place.line})"
    node = find(root, path)
    if not (isinstance(node, Leaf) and node.from_environment):
        text += suggest(finding.wrong, finding.right)
    return Fault(nearest(root, path).place, path, text)
