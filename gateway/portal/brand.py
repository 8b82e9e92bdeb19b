"""The portal in the operator's name and colours: what pages show of it, and the files that it consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from gateway.portal.operator_file import OperatorFile

ROOT = "/portal/static/brand/"


@dataclass(frozen=True, slots=True)
class BrandColours:
    """The accent colour in one theme."""

    accent: str
    hover: str
    on_accent: str
    """Of text on it."""

    @property
    def css(self) -> str:
        """The same for the style sheet."""
        return f":root{{--brand:{self.accent};--brand-deep:{self.hover};--on-brand:{self.on_accent}}}"


@dataclass(frozen=True, slots=True)
class Brand:
    """What pages show."""

    name: str = ""
    """Empty: Gatepost."""
    support: str = ""
    terms: str = ""
    logo_url: str = ""
    style_url: str = ""
    files: Mapping[str, OperatorFile] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the portal is called."""
        return self.name or "Gatepost"


def branded(
    name: str,
    support: str,
    terms: str,
    logo: OperatorFile | None,
    colours: tuple[BrandColours, BrandColours] | None,
) -> Brand:
    """The brand with its files. `colours`: those of the light and the dark theme."""
    files: dict[str, OperatorFile] = {}
    style = None
    if colours is not None:
        light, dark = colours
        text = f"{light.css}\n@media (prefers-color-scheme:dark){{{dark.css}}}\n"
        style = OperatorFile("text/css; charset=utf-8", text.encode())
    urls = []
    for kind, file in (("logo", logo), ("style", style)):
        tagged = "" if file is None else f"{kind}-{file.tag}"
        if file is not None:
            files[tagged] = file
        urls.append(ROOT + tagged if tagged else "")
    return Brand(name, support, terms, urls[0], urls[1], files)


def serve_brand(brand: Brand, name: str) -> web.Response:
    """One of its files. Raises HTTPNotFound."""
    file = brand.files.get(name)
    if file is None:
        raise web.HTTPNotFound
    return file.response("public")
