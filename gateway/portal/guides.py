"""The operator's own pages: Markdown, rendered when the configuration is loaded.

HTML in them is shown as text, links lead to http, https and mailto alone, and only the operator's own images
are shown, others are links: so nothing of a page runs in a browser, whoever has written it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from posixpath import normpath
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from markupsafe import Markup

ROOT = "/portal/pages"
IMAGES = f"{ROOT}/images"
_NOT_IN_ANCHORS = re.compile(r"[^\w-]+")
NO_IMAGES: Mapping[str, str] = MappingProxyType({})
_SCHEMES = frozenset({"", "http", "https", "mailto"})


@dataclass(frozen=True, slots=True)
class GuideSource:
    """A page as its file has it."""

    name: str
    """Its name in URLs."""
    path: str
    """Of its file, with slashes: what links of other pages are resolved by."""
    text: str


@dataclass(frozen=True, slots=True)
class Guide:
    """A page to be shown."""

    name: str
    title: str
    html: Markup


def guides(sources: Sequence[GuideSource], images: Mapping[str, str] = NO_IMAGES) -> tuple[Guide, ...]:
    """The pages, in their order. `images`: the URLs of images by the paths of their files."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 (needs an extra)

    parser = MarkdownIt("commonmark", {"html": False, "typographer": False, "linkify": False})
    parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline"])
    for rule, render in _RULES.items():
        parser.add_render_rule(rule, render)
    places = {normpath(one.path): f"{ROOT}/{one.name}" for one in sources}
    shown = {normpath(path): url for path, url in images.items()}
    return tuple(_guide(parser, one, places, shown) for one in sources)


def _guide(parser: Any, source: GuideSource, places: Mapping[str, str], images: Mapping[str, str]) -> Guide:
    tokens = parser.parse(source.text)
    title = source.name
    if tokens and (tokens[0].type, tokens[0].tag) == ("heading_open", "h1"):
        # The heading's beginning, its text, and its end.
        title = _text(tokens[1]) or title
        tokens = tokens[3:]
    _place_headings(tokens)
    folder = source.path.rpartition("/")[0]
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                _lead(child, folder, places)
            elif child.type == "image":
                child.meta = {"shown": _named(str(child.attrs.get("src", "")), folder, images)}
        if token.type in ("th_open", "td_open"):
            # Inline styles are not allowed by the portal's policy.
            token.attrs = {"class": "right"} if "right" in str(token.attrs.get("style", "")) else {}
    html = parser.renderer.render(tokens, parser.options, {})
    return Guide(source.name, title, Markup(html))  # noqa: S704 (the renderer escapes all that is text)


def _place_headings(tokens: Sequence[Any]) -> None:
    """The page's title is its only h1; each other heading gets an anchor."""
    deeper = any(token.type == "heading_open" and token.tag == "h1" for token in tokens)
    taken: set[str] = set()
    for index, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close") and deeper:
            token.tag = f"h{min(int(token.tag[1:]) + 1, 6)}"
        if token.type == "heading_open":
            anchor = _NOT_IN_ANCHORS.sub("-", _text(tokens[index + 1]).lower()).strip("-") or "section"
            while anchor in taken:
                anchor += "-2"
            taken.add(anchor)
            # Other elements of the page have ids, too.
            token.attrs = {"id": f"h-{anchor}"}


def _lead(link: Any, folder: str, places: Mapping[str, str]) -> None:
    """Where a link leads: to another of the pages where it names its file, else to where it says."""
    target = str(link.attrs.get("href", ""))
    try:
        parts = urlsplit(target)
    except ValueError:
        link.attrs = {}
        return
    fragment = f"#h-{parts.fragment.lower()}" if parts.fragment else ""
    if parts.scheme.lower() not in _SCHEMES:
        link.attrs = {}
    elif not parts.scheme and not parts.netloc and parts.path and not parts.path.startswith("/"):
        page = _named(parts.path, folder, places)
        link.attrs = {"href": target if page is None else f"{page}{fragment}"}
    elif not parts.scheme and not parts.netloc and not parts.path:
        link.attrs = {"href": fragment}
    else:
        link.attrs = {"href": target} | ({"rel": "noreferrer"} if parts.netloc else {})


def _named(path: str, folder: str, places: Mapping[str, str]) -> str | None:
    """What is at a path that a page of a folder names."""
    return places.get(normpath(f"{folder}/{unquote(path)}" if folder else unquote(path)))


def _text(token: Any) -> str:
    """What is read of an inline token."""
    return "".join(child.content for child in token.children or ()).strip()


# Rules of the renderer: it passes itself, all tokens, and which of them.


def _code(_: Any, tokens: Sequence[Any], index: int, *__: Any) -> str:
    return f'<pre class="code" tabindex="0"><code>{escape(tokens[index].content)}</code></pre>\n'


def _image(_: Any, tokens: Sequence[Any], index: int, *__: Any) -> str:
    """The operator's own image. Pages load nothing else: another is a link to where it is, or its text."""
    token = tokens[index]
    if token.meta["shown"] is not None:
        return f'<img src="{token.meta["shown"]}" alt="{escape(token.content)}" loading="lazy">'
    target, label = str(token.attrs.get("src", "")), escape(token.content or "image")
    if urlsplit(target).scheme.lower() not in ("http", "https"):
        return label
    return f'<a href="{escape(quote(target, safe=":/?#[]@!$&()*+,;=%~"))}" rel="noreferrer">{label}</a>'


def _table(*_: Any) -> str:
    return '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table class="list plain">\n'


def _table_end(*_: Any) -> str:
    return "</table></div>\n"


_RULES = {
    "fence": _code,
    "code_block": _code,
    "image": _image,
    "table_open": _table,
    "table_close": _table_end,
}
