"""Sessions lie in the store under a digest, with an end; the cookie has only the id."""

from __future__ import annotations

import redis

from gateway.portal.sessions import LIFETIME
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
