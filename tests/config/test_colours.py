"""Contrast by WCAG 2.2, with its own examples."""

from __future__ import annotations

import pytest

from gateway.config.colours import (
    DARK_PAGES,
    LEAST_CONTRAST,
    LIGHT_PAGES,
    contrast,
    luminance,
    mixed,
    readable,
)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#ffffff", "#ffffff", 1),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
    ],
)
def test_the_contrast_of_two_colours(one: str, other: str, ratio: float) -> None:
    assert contrast(one, [other]) == pytest.approx(ratio, abs=0.01)
    assert contrast(other, [one]) == pytest.approx(ratio, abs=0.01)


def test_the_nearest_of_several_counts() -> None:
    assert contrast("#777777", ["#ffffff", "#777777"]) == 1
    assert luminance("#ff0000") == pytest.approx(0.2126)


def test_a_colour_is_mixed_with_another() -> None:
    assert mixed("#102030", "#ffffff", 0) == "#102030"
    assert mixed("#000000", "#ffffff", 0.5) == "#808080"


@pytest.mark.parametrize("colour", ["#ffff00", "#000000", "#ffffff", "#777777", "#0b6e4f"])
@pytest.mark.parametrize("pages", [LIGHT_PAGES, DARK_PAGES])
def test_there_is_always_one_that_can_be_read(colour: str, pages: tuple[str, ...]) -> None:
    found = readable(colour, pages)
    assert contrast(found, pages) >= LEAST_CONTRAST
    if contrast(colour, pages) >= LEAST_CONTRAST:
        assert found == colour
