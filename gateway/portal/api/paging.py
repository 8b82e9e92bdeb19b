"""Long lists in pages, each with the links to its neighbours, in WSO2's shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from gateway.portal.api.api_request import Call
from gateway.portal.api.responses import answer
from gateway.portal.public_path import public_path

Row = TypeVar("Row")

PAGE = 25
"""What is shown where the query does not say how much."""
MOST_SHOWN = 200
FURTHEST = 999_999
"""Where a page can begin at the latest."""


def paged(call: Call, found: Sequence[Row], shape: Callable[[Row], dict[str, Any]]) -> web.Response:
    """The page of a list that the query asks for with `limit` and `offset`. Raises Problem."""
    limit, offset = call.number("limit", PAGE, MOST_SHOWN), call.number("offset", 0, FURTHEST)
    rows = [shape(one) for one in found[offset : offset + limit]]
    path = public_path(call.services.facts.public_url) + call.request.path
    links = neighbours(offset, limit, len(found), path, call.request.query)
    pagination = {"offset": offset, "limit": limit, "total": len(found), **links}
    return answer({"count": len(rows), "list": rows, "pagination": pagination})


def neighbours(offset: int, limit: int, total: int, path: str, query: Mapping[str, str]) -> dict[str, str]:
    """The links to the next and to the previous page; an empty text where there is none."""

    def link(place: int) -> str:
        return f"{path}?{urlencode({**query, 'limit': limit, 'offset': place})}"

    following = offset + limit
    return {
        "next": link(following) if limit and following < total else "",
        "previous": link(max(0, offset - limit)) if limit and offset else "",
    }
