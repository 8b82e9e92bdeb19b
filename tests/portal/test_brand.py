"""The portal in the operator's name and colours, at a real gateway."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.portal.brand import Brand, BrandColours, branded
from gateway.portal.operator_file import OperatorFile
from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader
from tests.running import Running

LOGO = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><script>alert(1)</script></svg>"
USERS = [{"name": ADMIN, "password": PASSWORD, "admin": True}]


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> str:
    logo: Path = tmp_path_factory.mktemp("brand") / "logo.svg"
    logo.write_text(LOGO)
    brand = {
        "name": "Acme & <Sons>",
        "logo": str(logo),
        "accent": "#8A2F8F",
        "support": "mailto:api@example.org",
        "terms": "https://example.org/terms?a=1&b=2",
    }
    return start(portal={"sign_up": True, "users": USERS, "brand": brand}).http


def test_pages_have_the_name_the_logo_and_the_links(site: str) -> None:
    page = Reader(site).open("/portal/sign-up")
    assert "<title>Sign up · Acme &amp; &lt;Sons&gt;</title>" in page.html
    assert "Gatepost" not in page.words
    assert 'href="mailto:api@example.org"' in page.html
    assert page.html.count('href="https://example.org/terms?a=1&amp;b=2"') == 2
    assert "By signing up you accept the terms" in page.words
    assert "Acme & <Sons>" in Reader(site).open("/portal/none").words


def test_the_logo_and_the_colours_are_files_that_browsers_keep(site: str) -> None:
    reader = Reader(site)
    html = reader.open("/portal/sign-in").html
    (logo,) = re.findall(r'src="(/portal/static/brand/logo-[0-9a-f]{12})"', html)
    (style,) = re.findall(r'href="(/portal/static/brand/style-[0-9a-f]{12})"', html)
    picture = reader.open(logo)
    assert (picture.status, picture.body, picture.headers["Content-Type"]) == (
        200,
        LOGO.encode(),
        "image/svg+xml",
    )
    assert "immutable" in picture.headers["Cache-Control"]
    assert picture.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "script-src" not in picture.headers["Content-Security-Policy"]
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    sheet = reader.open(style)
    assert sheet.headers["Content-Type"].startswith("text/css")
    # The dark accent is made of the light one.
    assert re.search(r":root\{--brand:#8a2f8f;--brand-deep:#\w{6};--on-brand:#ffffff\}", sheet.html)
    assert re.search(
        r"dark\)\{:root\{--brand:#(?!8a2f8f)\w{6};--brand-deep:#\w{6};--on-brand:#000000\}", sheet.html
    )
    assert reader.open("/portal/static/brand/none").status == 404


def test_without_a_brand_nothing_is_added() -> None:
    assert branded("", "", "", None, None) == Brand()
    assert Brand().title == "Gatepost"


def test_another_file_has_another_name() -> None:
    colours = BrandColours("#000000", "#111111", "#ffffff")
    one = branded("", "", "", OperatorFile("image/png", b"1"), (colours, colours))
    other = branded("", "", "", OperatorFile("image/png", b"2"), (colours, colours))
    assert one.logo_url != other.logo_url
    assert one.style_url == other.style_url
    assert len(one.files) == 2
