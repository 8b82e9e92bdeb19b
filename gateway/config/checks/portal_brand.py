"""Checks of `portal.brand`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.checks.check import CheckContext, CheckFinding
from gateway.config.checks.image_files import image_problem
from gateway.config.colours import DARK_PAGES, LEAST_CONTRAST, LIGHT_PAGES, contrast, readable
from gateway.config.images import LARGEST_LOGO
from gateway.config.model import Settings
from gateway.config.problems import KeyPath


def logo_there(settings: Settings, context: CheckContext) -> Iterator[CheckFinding]:
    """The logo is a picture that browsers show."""
    path: KeyPath = ("portal", "brand", "logo")
    file = settings.portal.brand.logo
    if file is not None and (wrong := image_problem(file, context, LARGEST_LOGO)) is not None:
        yield CheckFinding(path, wrong)


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
