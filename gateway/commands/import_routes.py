"""`gatepost import openapi|kong|wso2 FILE`: configurations of other products as a draft of gateway.yaml."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import click
import yaml

from gateway.commands.options import EXIT_CONFIGURATION_ERROR
from gateway.config.load import load_text
from gateway.config.problems import ConfigurationError
from gateway.converters.draft import ConfigDraft, UnknownFormat, left_out, rendered
from gateway.converters.kong import convert_kong
from gateway.converters.openapi import convert_openapi
from gateway.converters.wso2 import convert_wso2
from gateway.plugin.catalog import PluginCatalog
from gateway.process.logs import printable

MAX_SIZE = 64 * 1024 * 1024
"""Bytes of a file, also in an archive."""
_ROUTE = re.compile(r"routes\[(\d+)\]")
_DOCUMENTS = ("api.yaml", "api.json", "application.yaml", "application.json")
_DEFINITIONS = ("swagger.yaml", "swagger.json")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Document = Mapping[str, Any]


class _Unreadable(Exception):  # noqa: N818 (the reason, for one line)
    """A file can't be used."""


@click.group("import")
def import_routes() -> None:
    """Convert routes, scopes and clients from elsewhere to YAML on standard output."""


@import_routes.command("openapi")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print configuration and notes as JSON.")
def from_openapi(file: Path, as_json: bool) -> None:
    """Convert OpenAPI 3.0 or 3.1, or Swagger 2: routes and scopes."""
    _convert(lambda: convert_openapi(_document(file)), file, as_json=as_json)


@import_routes.command("kong")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print configuration and notes as JSON.")
def from_kong(file: Path, as_json: bool) -> None:
    """Convert Kong's declarative configuration: upstreams, routes, plugins and clients."""
    _convert(lambda: convert_kong(_document(file)), file, as_json=as_json)


@import_routes.command("wso2")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print configuration and notes as JSON.")
def from_wso2(file: Path, as_json: bool) -> None:
    """Convert what WSO2's apictl exports, or OpenAPI with x-wso2 extensions: routes, scopes, clients.

    FILE is the archive, its folder, api.yaml, application.yaml or the OpenAPI document.
    """
    _convert(lambda: _of_wso2(file), file, as_json=as_json)


def _convert(convert: Callable[[], ConfigDraft], file: Path, *, as_json: bool) -> None:
    try:
        draft = convert()
        text = _accepted(draft)
    except (_Unreadable, UnknownFormat) as error:
        click.echo(f"gatepost: {file}: {printable(error)}", err=True)
        sys.exit(EXIT_CONFIGURATION_ERROR)
    if as_json:
        click.echo(json.dumps({"configuration": yaml.safe_load(text) or {}, "notes": draft.notes}, indent=2))
        return
    click.echo(text, nl=False)
    for note in draft.notes:
        click.echo(f"{file}: {printable(note)}", err=True)


def _accepted(draft: ConfigDraft) -> str:
    """The draft's YAML without routes that `gatepost check` refuses.

    Raises:
        _Unreadable: that is not enough.
    """
    while True:
        text = rendered(draft)
        try:
            load_text(text, {}, PluginCatalog())
        except ConfigurationError as error:
            problems = {_number(one.key): one.text for one in reversed(error.problems)}
            if None in problems:
                raise _Unreadable(f"it can't be expressed: {error.problems[0]}") from None
            for number in sorted((one for one in problems if one is not None), reverse=True):
                left_out(draft, number, problems[number])
        else:
            return text


def _number(key: str) -> int | None:
    match = _ROUTE.match(key)
    return None if match is None else int(match[1])


# Reading.


def _document(file: Path) -> Document:
    try:
        if file.stat().st_size > MAX_SIZE:
            raise _Unreadable("it is too large")
        return _parsed(file.read_bytes())
    except OSError as error:
        raise _Unreadable(error.strerror or str(error)) from None


def _parsed(content: bytes) -> Document:
    """YAML, and so also JSON."""
    try:
        document = yaml.load(content, Loader=_LOADER)  # noqa: S506 (a safe one)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _Unreadable(f"it is neither YAML nor JSON: {' '.join(str(error).split())}") from None
    if not isinstance(document, Mapping):
        raise _Unreadable("it must be a mapping")
    return document


def _of_wso2(file: Path) -> ConfigDraft:
    if file.is_dir():
        found = {path.name: path for path in sorted(file.rglob("*"), reverse=True) if path.is_file()}
        return _of_export({name: _document(path) for name, path in found.items() if _wanted(name)})
    if zipfile.is_zipfile(file):
        return _of_export(dict(_in_archive(file)))
    return convert_wso2(_document(file))


def _wanted(name: str) -> bool:
    return name in _DOCUMENTS or name in _DEFINITIONS


def _in_archive(file: Path) -> Iterator[tuple[str, Document]]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            name = PurePosixPath(member.filename).name
            if _wanted(name) and member.file_size <= MAX_SIZE:
                try:
                    yield name, _parsed(archive.read(member))
                except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
                    raise _Unreadable(f"{member.filename}: {error}") from None


def _of_export(documents: Mapping[str, Document]) -> ConfigDraft:
    document = next((documents[name] for name in _DOCUMENTS if name in documents), None)
    if document is None:
        raise _Unreadable(f"it has none of {', '.join(_DOCUMENTS)}: it is no export of apictl")
    return convert_wso2(document, next((documents[name] for name in _DEFINITIONS if name in documents), None))
