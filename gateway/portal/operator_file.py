"""A file of the operator that pages show, such as a logo: kept by browsers, and inert."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from aiohttp import web

# A picture that is opened by itself runs nothing and loads nothing.
_INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True, slots=True)
class OperatorFile:
    """A file whose URL has its `tag`, and so changes with it."""

    media_type: str
    data: bytes

    @property
    def tag(self) -> str:
        """Stands for what is in it."""
        return sha256(self.data).hexdigest()[:12]

    def response(self, cache: Literal["public", "private"]) -> web.Response:
        """The file; `private`: no cache but the reader's own keeps it."""
        headers = {"Content-Type": self.media_type, "Cache-Control": f"{cache}, max-age=31536000, immutable"}
        if self.media_type.startswith("image/"):
            headers["Content-Security-Policy"] = _INERT
        return web.Response(body=self.data, headers=headers)
