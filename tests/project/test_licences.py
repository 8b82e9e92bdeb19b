"""Every locked package has a licence that the project may be shipped or tested with."""

from __future__ import annotations

import re
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

import pytest
from packaging.utils import canonicalize_name

from tests.project.imports import ROOT

PERMISSIVE = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "MIT", "MIT-0", "PSF-2.0", "Unlicense"}
)
"""By SPDX's names. Of these the gateway is made."""
OF_FILES = frozenset({"MPL-2.0"})
"""Copyleft for its own files only. Of packages, not changed here, that only tests and extras need."""
SPELLINGS = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "MIT Licence": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What packages write that do not use SPDX's names."""
KNOWN = {"cedarpy": "Apache-2.0"}
"""Packages whose metadata has no licence: read in their files."""


def licence(name: str, found: PackageMetadata) -> str:
    """An SPDX expression; empty where nothing is known."""
    texts = [found.get("License-Expression"), found.get("License")]
    texts += [
        one.rpartition(" :: ")[2] for one in found.get_all("Classifier") or () if one.startswith("License ::")
    ]
    texts.append(KNOWN.get(name))
    for text in texts:
        expression = SPELLINGS.get((text or "").strip(), (text or "").strip())
        if expression and set(parts(expression)) <= PERMISSIVE | OF_FILES:
            return expression
    return ""


def parts(expression: str) -> list[str]:
    """The licences that an expression names."""
    return [part for part in re.split(r"\s+(?:AND|OR)\s+|[()]", expression) if part]


def allowed(expression: str, licences: frozenset[str]) -> bool:
    """Whether one may choose so that all that binds is among the licences."""
    return any(
        all(part in licences for part in re.split(r"\s+AND\s+", choice))
        for choice in re.split(r"\s+OR\s+", expression)
    )


def locked(file: str) -> list[str]:
    text = (ROOT / "requirements" / f"{file}.txt").read_text()
    return [canonicalize_name(name) for name in re.findall(r"(?m)^([\w.-]+)==", text)]


def licences(file: str) -> dict[str, str]:
    """Of the packages that are installed here; others are for other platforms."""
    found = {}
    for name in locked(file):
        try:
            found[name] = licence(name, metadata(name))
        except PackageNotFoundError:
            continue
    return found


@pytest.mark.parametrize("file", ["run", "test", "build"])
def test_every_locked_package_has_a_licence_that_is_allowed(file: str) -> None:
    found = licences(file)
    assert len(found) > len(locked(file)) * 0.8, "most are installed"
    may = PERMISSIVE if file == "run" else PERMISSIVE | OF_FILES
    assert [
        name for name, expression in found.items() if not expression or not allowed(expression, may)
    ] == []


@pytest.mark.parametrize(
    ("expression", "is_allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 AND MIT", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("GPL-3.0-only", False),
        ("MPL-2.0", False),
        ("", False),
    ],
)
def test_what_an_expression_allows(expression: str, is_allowed: bool) -> None:
    assert allowed(expression, PERMISSIVE) == is_allowed


def test_no_package_is_known_that_is_not_locked() -> None:
    assert set(KNOWN) <= set(locked("test"))
