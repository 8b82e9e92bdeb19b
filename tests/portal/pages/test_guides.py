"""The operator's pages in the portal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader
from tests.running import Running

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
START = """# Getting started

![The way](way.svg) Get keys, then read [the limits](limits.md).

<script>alert(1)</script>
"""


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("guides")
    (folder / "start.md").write_text(START)
    (folder / "limits.md").write_text("# Limits\n\n| tier | calls |\n|---|--:|\n| small | 2 |\n")
    (folder / "way.svg").write_text(PICTURE)
    pages = [str(folder / name) for name in ("start.md", "limits.md")]
    users = [{"name": ADMIN, "password": PASSWORD, "admin": True}]
    return start(portal={"pages": pages, "images": [str(folder / "way.svg")], "users": users}).http


def test_who_is_signed_in_reads_the_pages_in_their_order(site: str) -> None:
    reader = Reader(site)
    assert "/sign-in" in reader.open("/portal/pages").url
    assert "/sign-in" in reader.open("/portal/pages/limits").url
    reader.sign_in(ADMIN, PASSWORD)
    first = reader.open("/portal/pages")
    assert first.url.endswith("/portal/pages/start")
    assert first.words.count("Getting started") == 3
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in first.html
    assert 'href="/portal/pages/limits"' in first.html
    assert first.html.index("/portal/pages/start") < first.html.index("/portal/pages/limits")
    second = reader.open("/portal/pages/limits")
    assert "small" in second.words
    assert "unsafe" not in second.headers["Content-Security-Policy"]
    assert reader.open("/portal/pages/none").status == 404
    assert reader.open("/portal/pages/..%2fstart").status in (400, 404)


def test_an_image_is_shown_to_who_is_signed_in_and_is_inert(site: str) -> None:
    reader = Reader(site)
    reader.sign_in(ADMIN, PASSWORD)
    (url,) = re.findall(r'<img src="(.*?)" alt="The way"', reader.open("/portal/pages/start").html)
    shown = reader.open(url)
    assert shown.html == PICTURE
    assert shown.headers["Content-Type"] == "image/svg+xml"
    assert shown.headers["Content-Security-Policy"].endswith("sandbox")
    assert shown.headers["Cache-Control"].startswith("private")
    assert reader.open("/portal/pages/images/none.svg").status == 404
    assert "/sign-in" in Reader(site).open(url).url


def test_without_pages_there_is_no_such_page(developer: Reader) -> None:
    assert developer.open("/portal/pages").status == 404
    assert "Guides" not in developer.open("/portal/apis").words
