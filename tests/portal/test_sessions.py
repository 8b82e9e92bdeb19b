"""Sessions lie in the store under a digest, with an end; the cookie has only the id."""

from __future__ import annotations

import pytest
import redis

from gateway.portal.sessions import LIFETIME, browser_of
from tests.conftest import Valkey
from tests.portal.reader import Reader


def sessions(client: redis.Redis) -> set[bytes]:
    return set(client.scan_iter(match="portal-*:w:*"))


def test_a_session_has_an_end_and_its_id_is_not_in_the_store(valkey: Valkey, reader: Reader) -> None:
    with valkey.client as client:
        before = sessions(client)
        reader.open("/portal/sign-in")
        assert sessions(client) == before, "nothing is kept for strangers"
        reader.sign_in("admin", "a s3cret word")
        (key,) = sessions(client) - before
        assert 0 < int(client.ttl(key)) <= LIFETIME
        cookie = next(one for one in reader.cookies if one.name == "gatepost-portal")
        value = client.get(key)
        assert isinstance(value, bytes)
        assert cookie.value is not None
        assert cookie.value.encode() not in key + value
        assert b"s3cret" not in value
        assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("/portal", True)
        assert cookie.get_nonstandard_attr("SameSite") == "Lax"


@pytest.mark.parametrize(
    ("agent", "read"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "unknown"),
    ],
)  # fmt: skip
def test_a_browser_is_called_as_people_call_it(agent: str, read: str) -> None:
    assert browser_of(agent) == read


def test_a_session_lives_no_longer_for_being_used(valkey: Valkey, reader: Reader) -> None:
    with valkey.client as client:
        before = sessions(client)
        reader.sign_in("admin", "a s3cret word")
        (key,) = sessions(client) - before
        data = client.get(key)
        for _ in range(3):
            assert reader.open("/portal/account").status == 200
        # It is not written on each page either.
        assert client.get(key) == data
        assert 0 < int(client.ttl(key)) <= LIFETIME
