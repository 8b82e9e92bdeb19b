"""`portal.brand` can be shown, and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.images import LARGEST_LOGO
from tests.config.example import problems


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("accent: '#ffcc00'", "has a contrast of 1.3:1 on the light pages, and WCAG AA asks for 4.5:1: #"),
        ("accent_dark: '#333333'", "has a contrast of 1.3:1 on the dark pages, and WCAG AA asks for 4.5:1:"),
        ("accent: green", 'must be a colour such as "#0b6e4f", in quotes'),
        ("support: 'javascript:alert(1)'", "must be an https URL, a mailto: address, or a path"),
        ("terms: 'http://example.org'", "must be an https URL, a mailto: address, or a path"),
        ("terms: '//example.org'", "must be an https URL, a mailto: address, or a path"),
        ("support: 'https://a<b'", "must be a URL without spaces, quotes, angle brackets"),
        ("name: ' '", "must be a line of text"),
        ("logo: there.gif", "must be a file that ends with .svg, .png, .webp, .jpg, .jpeg"),
        ("logo: none.svg", "there is no such file"),
    ],
)  # fmt: skip
def test_what_can_not_be_shown_or_read_is_said(line: str, says: str) -> None:
    (found,) = problems(f"portal:\n  brand:\n    {line}\n")
    place, _, text = found.partition(": ")[2].partition(": ")
    assert found.startswith("3:")
    assert place == f"portal.brand.{line.partition(':')[0]}"
    assert text.startswith(says)


def test_a_brand_that_can_be_read_is_fine(tmp_path: Path) -> None:
    logo = tmp_path / "logo.SVG"
    logo.write_text("<svg/>")
    text = f"""portal:
  brand: {{name: Acme, logo: '{logo}', accent: '#0b6e4f', accent_dark: '#5fd3a6', support: mailto:a@b.example,
          terms: /portal/pages/terms}}
"""
    assert problems(text) == []
    logo.write_bytes(b"x" * (LARGEST_LOGO + 1))
    assert problems(text)[0].endswith("portal.brand.logo: must have 1 byte to 48 KiB")
    logo.write_bytes(b"")
    assert len(problems(text)) == 1
