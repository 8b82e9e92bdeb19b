"""The style sheet, the script and the icon: read once, and kept by browsers for as long as they stay so."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files

from aiohttp import web

from gateway.runtime.caches import MIB, cached_unchecked, register

_TYPES = {
    "portal.css": "text/css; charset=utf-8",
    "portal.js": "text/javascript; charset=utf-8",
    "passkeys.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_LIFE = "public, max-age=31536000, immutable"


_FILES = register("static files of the portal", __name__, entries=len(_TYPES), total_bytes=1 * MIB)


@cached_unchecked(_FILES)
def _read(name: str) -> tuple[bytes, str]:
    data = files("gateway.portal").joinpath("static", name).read_bytes()
    return data, sha256(data).hexdigest()[:12]


def url(name: str) -> str:
    """The URL of a static file; it changes with the file."""
    return f"/portal/static/{name}?v={_read(name)[1]}"


def is_static(request: web.Request) -> bool:
    """Whether a request is for a static file, which anybody may have."""
    return request.path.startswith("/portal/static/")


async def serve(request: web.Request) -> web.Response:
    """A static file."""
    name = request.match_info["name"]
    if name not in _TYPES:
        raise web.HTTPNotFound
    data, tag = _read(name)
    life = _LIFE if request.query.get("v") == tag else "no-cache"
    return web.Response(body=data, headers={"Content-Type": _TYPES[name], "Cache-Control": life})
