"""Whatever stands in the file, loading it gives settings or problems with places, and nothing else."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.config.load import load, load_text
from gateway.config.model import Settings
from gateway.config.problems import ConfigurationError
from gateway.config.yaml_composer import LINE_BREAK
from tests.config.example import StubCatalog
from tests.yaml_text import yaml_text

SECRET = "correct-horse-battery-staple"
FULL: dict[str, Any] = {
    "server": {
        "listen": [{"port": 80, "host": "127.0.0.1", "tls": "auto"}],
        "public_url": "https://a",
        "workers": "auto",
        "max_body": "1m",
        "trusted_proxies": ["10.0.0.0/8"],
        "timeouts": {"header": 1, "drain": "1s"},
    },
    "management": False,
    "store": {"url": "redis://h", "timeout": "${T:-1s}"},
    "tokens": {"lifetime": "1h", "key": SECRET * 2},
    "grants": {"client_credentials": {"enabled": True}, "password": {"attempts": 1}},
    "scopes": {"default": ["a"], "application": None},
    "clients": [
        {"id": "a", "secrets": [SECRET], "lifetime": 60, "audiences": ["https://a"]},
        {"id": "b", "secrets": ["x"]},
    ],
    "upstreams": {"o": {"servers": [{"url": "http://h", "weight": 2}], "timeouts": {"connect": 1}}},
    "routes": [
        {"path": "/a", "upstream": "o", "methods": ["GET"], "plugins": [{"use": "request_id"}]},
        {"path": "/b", "upstream": "http://h", "scopes": ["x"], "host": "a.org"},
    ],
    "plugins": [{"use": "limit", "with": {"limit": 1, "only": ["x"], "window": {"size": 2}}}],
    "logging": {"level": "info"},
}  # fmt: skip

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 70000),
    st.floats(),
    st.sampled_from(["", "/", "a", "1h", "auto", "${", "${X}", "${X:-1}", "http://h", "*", "off", "o"]),
    st.text(max_size=6),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
QUICK = hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(text: str) -> Settings | list[str]:
    """The settings, or the problems; anything else fails the test."""
    try:
        return load_text(text, {"X": "7"}, StubCatalog(), "f")
    except ConfigurationError as caught:
        error = caught
    lines = len(LINE_BREAK.split(text))
    assert error.problems
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in error.problems)
    assert all("\n" not in str(problem) for problem in error.problems)
    assert SECRET not in str(error)
    return [str(problem) for problem in error.problems]


def places(value: Any, base: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all that lies in a tree."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [base, *(path for key, inner in items for path in places(inner, (*base, key)))]


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    """A copy with another value at a path."""
    if not path:
        return to
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], to) if path[1:] else to
    return copy


def test_a_secret_that_a_colon_makes_a_key_is_not_shown() -> None:
    text = f"clients:\n- id: a\n  secrets:\n  - {SECRET}: x\n"
    hidden = "f:4:5: clients[0].secrets[0]: has an unknown key, not shown as it may be a secret"
    assert outcome(text) == ["f:4:5: clients[0].secrets[0].secret: is missing", hidden]


def test_the_example_is_right() -> None:
    assert isinstance(outcome(yaml_text(FULL)), Settings)


@QUICK
@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!<|>'\"#%\n ?,$~", max_size=40))
def test_any_text_is_settings_or_problems(text: str) -> None:
    outcome(text)


@QUICK
@given(st.binary(max_size=40))
def test_any_bytes_are_settings_or_problems(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = Path(tmp_path_factory.getbasetemp()) / "any.yaml"
    file.write_bytes(content)
    with suppress(ConfigurationError):
        load(file, {}, StubCatalog())


@QUICK
@given(st.dictionaries(st.sampled_from([*FULL, "other"]), VALUES, max_size=4))
def test_any_tree_is_settings_or_problems(tree: dict[str, Any]) -> None:
    outcome(yaml_text(tree, allow_unicode=True))


@QUICK
@given(st.data())
def test_a_good_file_with_anything_in_any_place_is_settings_or_problems(data: st.DataObject) -> None:
    tree: Any = FULL
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(tree)))
        tree = changed(tree, path, data.draw(VALUES))
    outcome(yaml_text(tree, allow_unicode=True))


@QUICK
@given(st.data())
def test_a_file_cut_anywhere_is_settings_or_problems(data: st.DataObject) -> None:
    text = yaml_text(FULL)
    outcome(
        text[: data.draw(st.integers(0, len(text)))]
        + data.draw(st.text(alphabet="[]{}:\"'&*-\n ", max_size=3))
    )


@pytest.mark.parametrize("path", [path for path in places(FULL) if path], ids=str)
@pytest.mark.parametrize("junk", [None, [], {}, "\x07 junk", 3.5, {"junk": SECRET}], ids=repr)
def test_one_wrong_value_is_one_wrong_key(path: tuple[Any, ...], junk: Any) -> None:
    found = outcome(yaml_text(changed(FULL, path, junk)))
    if isinstance(found, Settings):
        return
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    related = ("grants", "upstreams", "tokens.max_lifetime")
    assert any(line.split(": ")[1].startswith((shown, *related)) for line in found) or shown in related, found
