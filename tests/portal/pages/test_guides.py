"""The operator's pages in the portal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.reader import Reader
from tests.running import Running

START = "# Getting started\n\nGet keys, then read [the limits](limits.md).\n\n<script>alert(1)</script>\n"


@pytest.fixture(scope="module")
def site(start: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("guides")
    (folder / "start.md").write_text(START)
    (folder / "limits.md").write_text("# Limits\n\n| tier | calls |\n|---|--:|\n| small | 2 |\n")
    pages = [str(folder / name) for name in ("start.md", "limits.md")]
    users = [{"name": ADMIN, "password": PASSWORD, "admin": True}]
    return start(portal={"pages": pages, "users": users}).http


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


def test_without_pages_there_is_no_such_page(developer: Reader) -> None:
    assert developer.open("/portal/pages").status == 404
    assert "Guides" not in developer.open("/portal/apis").words
