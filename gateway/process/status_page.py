"""A JSON document as a plain page for browsers."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

REFRESH = 5
"""Seconds after which a page loads itself anew."""

PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem }
table { border-collapse: collapse; margin: .25rem 0 }
th, td { border: 1px solid #8884; padding: .25rem .6rem; text-align: left; vertical-align: top }
th { font-weight: 600 }
"""


def status_page(title: str, document: Mapping[str, Any]) -> str:
    """The page. Every value is escaped."""
    name = escape(title.strip("/"))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Gatepost {name}</title>'
        f'<meta http-equiv="refresh" content="{REFRESH}"><style>{_STYLE}</style></head>'
        f"<body><h1>Gatepost {name}</h1>{_html(document)}</body></html>"
    )


def _html(value: Any) -> str:
    if isinstance(value, Mapping):
        rows = (
            f'<tr><th scope="row">{_words(key)}</th><td>{_html(item)}</td></tr>'
            for key, item in value.items()
        )
        return f"<table>{''.join(rows)}</table>" if value else "none"
    if isinstance(value, list):
        return _list(value) if value else "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return escape(str(value))


def _list(items: list[Any]) -> str:
    """Items with the same keys become one table; others a list."""
    if not all(isinstance(item, Mapping) and item.keys() == items[0].keys() for item in items):
        return "<br>".join(_html(item) for item in items)
    head = "".join(f'<th scope="col">{_words(key)}</th>' for key in items[0])
    rows = ("".join(f"<td>{_html(item[key])}</td>" for key in item) for item in items)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _words(key: object) -> str:
    return escape(str(key).replace("_", " "))
