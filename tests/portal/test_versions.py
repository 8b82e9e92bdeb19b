"""Two programs, or two tabs, never overwrite each other unseen."""

from __future__ import annotations

import pytest
from aiohttp import web

from gateway.oauth.application import Application
from gateway.oauth.model import Client
from gateway.portal.versions import (
    VersionDiffers,
    application_version,
    keys_version,
    of_representation,
    only_if,
)


@pytest.mark.parametrize("header", [None, "*", " * ", '"v"', '"a", "v"', 'W/"v", "v"', '"v.body"'])
def test_what_the_caller_has_seen_may_be_changed(header: str | None) -> None:
    only_if(header, '"v"')


@pytest.mark.parametrize("header", ['"a"', 'W/"v"', '"a.v"', "v", "", '"v', '"V"', '""'])
def test_anything_else_may_not(header: str) -> None:
    with pytest.raises(VersionDiffers):
        only_if(header, '"v"')


def test_a_version_is_of_what_can_be_changed() -> None:
    one = Application("a", "Shop", "ann", owner_name="ann")
    assert application_version(one) == application_version(Application("a", "Shop", "ann", owner_name="x"))
    assert application_version(one) != application_version(Application("a", "Store", "ann"))
    keys = Client("c", scopes=("a", "b"))
    assert keys_version(keys) == keys_version(Client("c", scopes=("b", "a")))
    assert keys_version(keys) != keys_version(Client("c", scopes=("a",)))


def test_an_answer_without_a_body_has_a_tag_of_its_own() -> None:
    one, other = (of_representation(web.Response(body=text), None) for text in (b"a", b"b"))
    assert one.headers["ETag"] != other.headers["ETag"]
    same = of_representation(
        web.Response(body=b"a", headers={"Cache-Control": "no-store"}), one.headers["ETag"]
    )
    assert (same.status, same.body, same.headers["Cache-Control"]) == (304, None, "no-store")
