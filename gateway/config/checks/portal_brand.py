"""Checks of `portal.brand`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.colours import DARK_PAGES, LEAST_CONTRAST, LIGHT_PAGES, contrast, readable
from gateway.config.model import Settings
from gateway.config.portal_brand import LARGEST_LOGO, LOGO_TYPES
from gateway.config.problems import KeyPath


def logo_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The logo is a picture that browsers show."""
    path: KeyPath = ("portal", "brand", "logo")
    file = settings.portal.brand.logo
    if file is None:
        return
    if file.suffix.lower() not in LOGO_TYPES:
        yield CheckFinding(path, f"must be a file that ends with {', '.join(LOGO_TYPES)}")
    elif not context.is_file(file):
        yield CheckFinding(path, "there is no such file")
    else:
        try:
            size = len(context.read(file))
        except OSError as error:
            yield CheckFinding(path, f"can't be read: {error.strerror}")
        else:
            if not 0 < size <= LARGEST_LOGO:
                yield CheckFinding(path, f"must have 1 byte to {LARGEST_LOGO // 1024} KiB")


def accents_readable(settings: Settings, _: CheckContext) -> Iterator[CheckFinding]:
    """Text in the accent colours can be read (WCAG AA)."""
    brand = settings.portal.brand
    for key, colour, pages, kind in (
        ("accent", brand.accent, LIGHT_PAGES, "light"),
        ("accent_dark", brand.accent_dark, DARK_PAGES, "dark"),
    ):
        if colour is not None and (found := contrast(colour, pages)) < LEAST_CONTRAST:
            yield CheckFinding(
                ("portal", "brand", key),
                f"has a contrast of {found:.1f}:1 on the {kind} pages, and WCAG AA asks for "
                f"{LEAST_CONTRAST}:1: {readable(colour, pages)} would do",
            )
