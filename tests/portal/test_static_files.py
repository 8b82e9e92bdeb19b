"""Static files: their URL changes with their content."""

from __future__ import annotations

import pytest

from gateway.portal import static_files as statics


@pytest.mark.parametrize("name", ["portal.css", "portal.js", "icon.svg"])
def test_the_url_bears_a_tag_of_the_content(name: str) -> None:
    path, _, tag = statics.url(name).partition("?v=")
    assert path == f"/portal/static/{name}"
    assert len(tag) == 12
