"""Links, redirects and cookies where `server.public_url` has a path, which a proxy in front adds.

Everything inside knows the portal at `/portal`. What goes to a browser has the path in front of it, as the
browser asks the proxy; whether the proxy removes it again or not, the gateway answers.
"""

from __future__ import annotations

import re

from aiohttp import web

from gateway.http.endpoints import GatewayPaths

_INSIDE = "/portal"
# Only where the page itself has an attribute: in texts, quotes are escaped.
_LINK = re.compile(r'(\s(?:href|src|action|formaction|data-progress|data-options-url)=")(?=/portal[/"?#])')


def public_path(public_url: str) -> str:
    """The path, without a slash at its end; mostly empty."""
    return GatewayPaths(public_url).base


def seen_from_outside(response: web.StreamResponse, path: str) -> None:
    """Puts the path in front of all that leads to the portal."""
    if not path:
        return
    location = response.headers.get("Location", "")
    if _is_inside(location):
        response.headers["Location"] = path + location
    for cookie in response.cookies.values():
        if _is_inside(cookie["path"]):
            cookie["path"] = path + cookie["path"]
    if isinstance(response, web.Response) and response.content_type == "text/html" and response.text:
        response.text = _LINK.sub(rf"\g<1>{path}", response.text)


def _is_inside(place: str) -> bool:
    return place == _INSIDE or place.startswith((f"{_INSIDE}/", f"{_INSIDE}?"))
