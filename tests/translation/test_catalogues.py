"""The catalogues that come with the gateway are whole, and can be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from io import BytesIO
from types import ModuleType
from typing import Any

import jinja2
import pytest
from babel.messages.pofile import read_po
from jinja2 import nodes

from gateway.portal.page_language import SCRIPT_WORDS, speak_in_templates
from gateway.translation.catalogue import problems, shipped
from tests.project.imports import ROOT

TAGS = ("de", "he")
TEMPLATES = sorted((ROOT / "gateway" / "portal" / "templates").glob("*.html"))
HINT = "wrap new texts of pages, run .venv/bin/python scripts/catalogues, and translate what is new"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("catalogues", str(ROOT / "scripts" / "catalogues"))
    spec = spec_from_loader("catalogues", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def texts(script: ModuleType) -> Any:
    return script.extracted()


def catalogue(tag: str) -> Any:
    source = shipped(tag)
    assert source is not None
    return read_po(BytesIO(source))


@pytest.mark.parametrize("tag", TAGS)
def test_each_text_is_translated_and_nothing_else(script: ModuleType, texts: Any, tag: str) -> None:
    file = script.CATALOGUES / f"{tag}.po"
    after = script.brought_up_to_date(file, texts)
    assert script.missing(after) == [], HINT
    assert file.read_bytes() == script.written(after), HINT


@pytest.mark.parametrize("tag", TAGS)
def test_translations_keep_placeholders_and_are_confirmed(tag: str) -> None:
    source = shipped(tag)
    assert source is not None
    assert problems(source) == []
    assert [str(message.id) for message in catalogue(tag) if message.id and message.fuzzy] == []


@pytest.mark.parametrize("tag", TAGS)
def test_no_message_and_no_translation_has_html(tag: str) -> None:
    for message in catalogue(tag):
        for text in (message.id, message.string):
            parts = text if isinstance(text, tuple | list) else (text,)
            assert not any(re.search(r"[<>]|&\w+;|&#", part) for part in parts if message.id), text


def test_the_pages_script_says_what_is_translated() -> None:
    text = (ROOT / "gateway" / "portal" / "static" / "portal.js").read_text()
    assert sorted(set(re.findall(r"word\('([^']+)'", text))) == sorted(SCRIPT_WORDS)


def environment() -> jinja2.Environment:
    env = jinja2.Environment(autoescape=True)
    speak_in_templates(env)
    return env


UNSPOKEN = re.compile(
    r"<(pre|code|svg)\b.*?</\1>|<span class=\"mono[^\"]*\">.*?</span>|<!doctype[^>]*>", re.S
)
SPOKEN_ATTRIBUTE = re.compile(r"\b(?:aria-label|placeholder|title|alt|data-label)=\"([^\"]*)\"")
TRANSLATING = ("_", "ngettext", "gettext_noop", "mono", "code", "static", "link")
NAMES = {"UTC", "gateway.yaml", "Content-Type", "Accept-Language", "en", "B"}
"""What is so in every language."""


def plain_texts(source: str) -> Iterator[str]:
    """What a template says outside of `_()` and its like."""
    data = "".join(
        value if kind == "data" else "\x00" * (kind.endswith("_begin"))
        for _, kind, value in environment().lex(source)
        if kind == "data" or kind in ("variable_begin", "block_begin")
    )
    data = UNSPOKEN.sub("", data)
    for attribute in SPOKEN_ATTRIBUTE.findall(data):
        yield from re.findall(r"[A-Za-z][\w.-]*", attribute)
    yield from re.findall(
        r"[A-Za-z][\w.-]*", re.sub(r"<[^<>]*>|&\w+;|(?:aria|data)-[\w-]+=\"[^\"]*\"", " ", data)
    )


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_is_not_translated(template: Any) -> None:
    found = [word for word in plain_texts(template.read_text()) if word not in NAMES]
    assert found == [], HINT


def shown_constants(node: nodes.Node) -> Iterator[str]:
    """Texts that an expression shows as they are."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for part in shown_parts(node):
        yield from shown_constants(part)


def shown_parts(node: nodes.Node) -> list[nodes.Expr]:
    """The parts of an expression that are shown with it."""
    match node:
        case nodes.CondExpr():
            return [part for part in (node.expr1, node.expr2) if part is not None]
        case nodes.Or() | nodes.And():
            return [node.left, node.right]
        case nodes.Concat():
            return node.nodes
        case nodes.Filter() if node.node is not None and node.name != "translated":
            return [node.node]
        case nodes.Call() if not (isinstance(node.node, nodes.Name) and node.node.name in TRANSLATING):
            return node.args
    return []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_expressions_show_no_words_that_are_not_translated(template: Any) -> None:
    tree = environment().parse(template.read_text())
    found = [
        text
        for output in tree.find_all(nodes.Output)
        for node in output.nodes
        for text in shown_constants(node)
        if re.match(r"[A-Z][a-z]+|[a-z]+ [a-z]+", text) and not text.startswith("/") and "{" not in text
    ]
    assert found == [], HINT
