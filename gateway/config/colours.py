"""Colours of the portal: how well they can be read, by WCAG 2.2."""

from __future__ import annotations

import re
from collections.abc import Sequence

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
LIGHT_PAGES = ("#ffffff", "#f6f8f7", "#eef2f0")
DARK_PAGES = ("#121715", "#1a211e", "#111614")
"""What text in the accent colour stands on, as static/portal.css has it."""
LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3 (AA), for text."""
_STEPS = 100
_LINEAR_TO = 0.04045
"""Of sRGB: channels up to here are linear."""


def luminance(colour: str) -> float:
    """The relative luminance (WCAG 2.2), from 0 for black to 1 for white."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return float(channel / 12.92 if channel <= _LINEAR_TO else ((channel + 0.055) / 1.055) ** 2.4)


def contrast(colour: str, others: Sequence[str]) -> float:
    """The contrast ratio to the one of the others that is the nearest, from 1 to 21."""
    own = luminance(colour)
    ratios = []
    for other in others:
        brighter, darker = sorted((own, luminance(other)), reverse=True)
        ratios.append((brighter + 0.05) / (darker + 0.05))
    return min(ratios)


def mixed(colour: str, other: str, share: float) -> str:
    """The colour with a share, from 0 to 1, of another one."""
    pairs = [(int(colour[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def readable(colour: str, pages: Sequence[str]) -> str:
    """The colour, or the nearest to it, brighter on dark pages and darker on light ones, that can be read."""
    towards = "#000000" if pages is LIGHT_PAGES else "#ffffff"
    steps = (mixed(colour, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(one for one in steps if contrast(one, pages) >= LEAST_CONTRAST)
