"""Checks of `portal`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.apidocs.document import OpenApiError, parse_document
from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.files import client_tls_findings
from gateway.config.model import Settings
from gateway.runtime.give_way import giving_way


def documents_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The OpenAPI documents of routes are files that the portal can show."""
    for index, route in enumerate(giving_way(settings.routes)):
        if route.docs is None or not isinstance(file := route.docs.openapi, Path):
            continue
        path = ("routes", index, "docs", "openapi")
        if not context.is_file(file):
            yield CheckFinding(path, "there is no such file")
        elif (wrong := _document_problem(file, context)) is not None:
            yield CheckFinding(path, wrong)


def _document_problem(file: Path, context: CheckContext) -> str | None:
    try:
        parse_document(context.read(file))
    except OSError as error:
        return f"can't be read: {error.strerror}"
    except OpenApiError as error:
        return str(error)
    return None


def users_once(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """User names are unique, ignoring case."""
    first: dict[str, int] = {}
    for index, user in enumerate(settings.portal.users):
        name = user.name.lower()
        if name in first:
            earlier = ("portal", "users", first[name], "name")
            yield CheckFinding(
                ("portal", "users", index, "name"), "another user has this name", first=earlier
            )
        first.setdefault(name, index)


def provider_ca_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The CAs of each provider are a file with CAs."""
    for path, provider in settings.portal.providers.items():
        yield from client_tls_findings(("portal", *path), context, provider.ca)


def providers_differ(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Providers differ in what tells them apart: their addresses, their people, their buttons."""
    for key, says in (
        ("id", "another provider has this id, or none, too"),
        ("issuer", "another provider has this issuer"),
        ("name", "another provider has this name"),
    ):
        first: dict[str, tuple[str | int, ...]] = {}
        for path, provider in settings.portal.providers.items():
            value = str(getattr(provider, key) or "").lower()
            place = ("portal", *path, "url" if (key, path[0]) == ("issuer", "github") else key)
            if value in first:
                yield CheckFinding(place, says, first=first[value])
            first.setdefault(value, place)
