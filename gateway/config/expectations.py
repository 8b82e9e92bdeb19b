"""Expectation files for `gatepost test`: requests and their expected outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, field_validator

from gateway.config.base import Many, Section
from gateway.config.decode import decode
from gateway.config.partial_model import PartialModel
from gateway.config.problems import START, ConfigIssue, ConfigurationError, problems_of
from gateway.config.source import UnreadableFile, read_text
from gateway.config.tree import child, find
from gateway.config.yaml_composer import compose

_PARTS = 2


class Expected(Section):
    """The expected outcome of a request; only the keys that are set are compared."""

    status: int | None = Field(default=None, ge=100, le=599, description="200: the request goes upstream.")
    route: str | None = Field(default=None, description="The path of the route that takes it.")
    upstream: str | None = Field(default=None, description="Method and target that go upstream: GET /7.")


class Expectation(Section):
    """One request and its expected outcome."""

    request: str = Field(description="METHOD and a path or URL: GET /orders/7.")
    headers: Mapping[str, str] = Field(default={}, description="Its further headers.")
    client: str | None = Field(default=None, description="The client whose token it bears; null: no token.")
    scopes: Many[str] | None = Field(default=None, description="Those of its token; null: all it may have.")
    tool: str | None = Field(
        default=None, description="The tool that it calls, on a route with mcp; null: it calls none."
    )
    expect: Expected

    @field_validator("request")
    @classmethod
    def _method_and_target(cls, value: str) -> str:
        if len(value.split()) != _PARTS:
            raise ValueError("must be a method and a path or URL, such as GET /orders/7")
        return value


class ExpectationFile(Section):
    """All expectations of a file."""

    tests: Many[Expectation] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class PlacedExpectation:
    """An expectation with its line in the file."""

    line: int
    expectation: Expectation


def load_expectations(path: Path) -> list[PlacedExpectation]:
    """Loads the expectations of a file, in order.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    try:
        root, issues = compose(read_text(path))
    except UnreadableFile as error:
        raise ConfigurationError(problems_of(str(path), [error.issue])) from None
    decoded = None
    if root is not None:
        decoded, model_issues = decode(ExpectationFile, root, (), PartialModel())
        issues = [*issues, *model_issues]
    if issues or decoded is None or root is None:
        raise ConfigurationError(problems_of(str(path), issues or [ConfigIssue(START, (), "can't be used")]))
    tests = child(root, "tests")
    assert tests is not None  # noqa: S101 (for mypy: the model requires it)
    lines = [
        node.place.line for index in range(len(decoded.tests)) if (node := find(tests, (index,))) is not None
    ]
    return [
        PlacedExpectation(line, expectation) for line, expectation in zip(lines, decoded.tests, strict=True)
    ]
