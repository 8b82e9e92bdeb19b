"""Loads gateway.yaml. If anything is invalid, every problem is reported at once."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from errno import EINVAL
from importlib.util import find_spec
from os.path import isfile
from pathlib import Path

from pydantic import BaseModel

from gateway.config.certificate_files import TlsFileError, load_client_cas, load_client_files, load_tls_files
from gateway.config.checks import ALL, WARNINGS
from gateway.config.checks.check import Check, CheckContext, CheckFinding
from gateway.config.clients import ClientSettings
from gateway.config.decode import decode
from gateway.config.environment import referenced, substitute
from gateway.config.grants import ON_BY_DEFAULT
from gateway.config.includes import (
    NO_MAPPING,
    FileRecorder,
    IncludeReader,
    files_beside,
    files_of,
    merge_includes,
    no_files,
)
from gateway.config.model import Settings
from gateway.config.overlays import extend
from gateway.config.partial_model import PartialModel
from gateway.config.plugin_configs import PluginConfigs
from gateway.config.plugin_lookup import PluginLookup
from gateway.config.problems import (
    START,
    ConfigIssue,
    ConfigurationError,
    KeyPath,
    ReportedProblem,
    problems_of,
    suggest,
)
from gateway.config.routes import RouteSettings
from gateway.config.secret_paths import secret_paths
from gateway.config.source import ConfigSource, UnreadableFile, read_text
from gateway.config.tls import TlsAcme, TlsFiles
from gateway.config.tree import Leaf, MapNode, Node, child, dissolve, find, nearest
from gateway.config.yaml_composer import compose
from gateway.runtime.gc_pause import paused_gc
from gateway.runtime.give_way import giving_way

_ITEMS: Mapping[KeyPath, type[BaseModel]] = {("clients",): ClientSettings, ("routes",): RouteSettings}
"""Of these there may be thousands."""
_STAND_INS: Mapping[tuple[str, str], str] = {("clients", "id"): "-{}", ("routes", "path"): "/-{}"}
"""Required keys of items that are checked without them, too."""


def load(
    path: Path, environ: Mapping[str, str], catalog: PluginLookup, further: Sequence[Check] = ()
) -> Settings:
    """Loads and validates a file. `further`: checks in addition to the built-in ones.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    try:
        text = read_text(path)
    except UnreadableFile as error:
        raise ConfigurationError(problems_of(str(path), [error.issue])) from None
    with paused_gc():
        return load_text(text, environ, catalog, str(path), further, files_beside(path))


def warnings(path: Path, environ: Mapping[str, str], catalog: PluginLookup) -> list[ReportedProblem]:
    """Warnings about a file that `load` accepts."""
    _, found = _settings(read_text(path), environ, catalog, WARNINGS, files_beside(path))
    return problems_of(str(path), found)


def problem_of(settings: Settings, path: KeyPath, text: str) -> ConfigurationError:
    """What turned out to be wrong with a value after its file was loaded, with the value's line."""
    source, place = settings.source, START
    if source is not None:
        root, _ = _tree(source.text, source.variables, files_of(source))
        if root is not None:
            place = nearest(root, path).place
            dissolve(root)
    return ConfigurationError(
        problems_of("" if source is None else source.file, [ConfigIssue(place, path, text)])
    )


def secrets_left(path: Path, environ: Mapping[str, str], catalog: PluginLookup) -> list[ReportedProblem]:
    """Every secret of a file that `load` accepts, and how it is given. The secrets are not in it."""
    text, files = read_text(path), files_beside(path)
    settings, _ = _settings(text, environ, catalog, (), files)
    root, _ = _tree(text, environ, files)
    if settings is None or root is None:
        return []
    found = ((key_path, hashed, find(root, key_path)) for key_path, hashed in secret_paths(settings))
    return problems_of(
        str(path),
        [
            ConfigIssue(node.place, key_path, _how_given(node, hashed=hashed))
            for key_path, hashed, node in found
            if node is not None
        ],
    )


def _how_given(node: Node, *, hashed: bool) -> str:
    if isinstance(node, Leaf) and node.from_environment:
        return "from the environment"
    return "as its SHA-256" if hashed else "in plain text"


def load_text(
    text: str,
    environ: Mapping[str, str],
    catalog: PluginLookup,
    file: str = "gateway.yaml",
    further: Sequence[Check] = (),
    files: IncludeReader = no_files,
) -> Settings:
    """Loads and validates a text; `file` is its name in problems, `files` reads what it includes.

    Raises:
        ConfigurationError: with every problem of the text.
    """
    recorder = FileRecorder(files)
    settings, issues = _settings(text, environ, catalog, (*ALL, *further), recorder)
    if settings is None or issues:
        raise ConfigurationError(problems_of(file, issues))
    variables = referenced("\n".join([text, *recorder.texts.values()]), environ)
    settings.loaded_from(ConfigSource(file, text, variables, tuple(recorder.texts.items()), recorder.found))
    return settings


def _settings(
    text: str,
    environ: Mapping[str, str],
    catalog: PluginLookup,
    checks: Sequence[Check],
    files: IncludeReader,
) -> tuple[Settings | None, list[ConfigIssue]]:
    root, issues = _tree(text, environ, files)
    if root is None:
        return None, issues
    try:
        return _judged(root, issues, environ, catalog, checks)
    finally:
        dissolve(root)


def _judged(
    root: MapNode,
    issues: list[ConfigIssue],
    environ: Mapping[str, str],
    catalog: PluginLookup,
    checks: Sequence[Check],
) -> tuple[Settings | None, list[ConfigIssue]]:
    partial = PartialModel(items=_ITEMS, stand_ins=_STAND_INS)
    plugins = PluginConfigs(root, catalog, partial)
    plugins.decode()
    settings, model_issues = decode(Settings, root, (), partial)
    issues += [*plugins.issues, *model_issues]
    if settings is None or (partial.removed and not issues):
        # Removed parts without an issue would be silently ignored.
        return None, issues or [ConfigIssue(START, (), "can't be used")]
    return settings, [*issues, *_cross_check(settings, root, partial, catalog, checks, environ)]


def _tree(
    text: str, environ: Mapping[str, str], files: IncludeReader
) -> tuple[MapNode | None, list[ConfigIssue]]:
    """The text's tree, merged with all files that it names; None: it can't be read as one."""
    root, issues = compose(text)
    if root is None:
        return None, issues
    if not isinstance(root, MapNode):
        return None, [*issues, ConfigIssue(root.place, (), NO_MAPPING)]
    issues += substitute(root, environ)
    issues += extend(root, files, environ)
    issues += merge_includes(root, files, environ)
    return root, issues


def _cross_check(
    settings: Settings,
    root: MapNode,
    partial: PartialModel,
    catalog: PluginLookup,
    checks: Sequence[Check],
    environ: Mapping[str, str],
) -> Iterator[ConfigIssue]:
    context = CheckContext(
        upstreams=_names(root, "upstreams"),
        issuers=_names(root, "issuers"),
        grants=_names(root, "grants") | {ON_BY_DEFAULT},
        known_grants=lambda: tuple(catalog.names("grant")),
        is_file=isfile,
        read=_read,
        tls_problem=_tls_problem,
        client_tls_problem=_client_tls_problem,
        installed=_installed,
        environ=environ,
    )
    for check in giving_way(checks):
        for finding in check(settings, context):
            if not any(partial.affects(partial.origin(path)) for path in finding.depends):
                yield _issue(finding, root, partial)


def _read(file: Path) -> bytes:
    if not file.is_file():  # a pipe might never end
        raise OSError(EINVAL, "is not a regular file")
    return file.read_bytes()


def _client_tls_problem(
    ca: Path | None, certificate: Path | None, key: Path | None
) -> tuple[str, str] | None:
    try:
        load_client_files(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ca, certificate, key)
    except TlsFileError as error:
        return error.key, error.reason
    return None


def _tls_problem(files: TlsFiles | TlsAcme) -> tuple[str, str] | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        if isinstance(files, TlsFiles):
            load_tls_files(context, files.certificate, files.key, files.client_ca)
        elif files.client_ca is not None:
            load_client_cas(context, files.client_ca)
    except TlsFileError as error:
        return error.key, error.reason
    return None


def _installed(package: str) -> bool:
    with suppress(ModuleNotFoundError):  # a package above it
        return find_spec(package) is not None
    return False


def _names(root: MapNode, key: str) -> frozenset[str]:
    node = child(root, key)
    return frozenset(node.entries) if isinstance(node, MapNode) else frozenset()


def _issue(finding: CheckFinding, root: MapNode, partial: PartialModel) -> ConfigIssue:
    path = partial.origin(finding.path)
    text = finding.text
    place = nearest(root, path).place
    if finding.first is not None:
        first = nearest(root, partial.origin(finding.first)).place
        text += f" (the first is {first.seen_from(place)})"
    node = find(root, path)
    if not (isinstance(node, Leaf) and node.from_environment):
        text += suggest(finding.invalid, finding.valid)
    return ConfigIssue(place, path, text)
