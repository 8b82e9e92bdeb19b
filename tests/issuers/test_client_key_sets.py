"""Keys of clients at their jwks_uri: when they are fetched, and by whom."""

import asyncio

import pytest

from gateway.errors import IssuerUnavailable
from gateway.issuers import client_key_sets
from gateway.issuers.client_key_sets import REFRESH, ClientKeySets
from gateway.issuers.issuer_keys import MAX_AGE, MIN_FETCH_INTERVAL
from gateway.oauth.model import Client
from tests.issuers.scripted import ScriptedFetch, key_set
from tests.jose.tokens import KEY, OTHER
from tests.services import Clock

URL = "https://shop.example/jwks"
SHOP = Client("shop", jwks_uri=URL)
ROBOT = Client("robot", jwks_uri=URL, registration="ab")


class Stage:
    def __init__(self) -> None:
        self.clock = Clock()
        self.configured, self.registered = ScriptedFetch(), ScriptedFetch()
        for one in (self.configured, self.registered):
            one.answers[URL] = key_set(KEY)
        self.sets = ClientKeySets(self.configured, self.registered, self.clock)

    async def kids(self, kid: object = None, client: Client = SHOP) -> list[str | None]:
        return [key.kid for key in await self.sets.keys(client, kid)]


async def test_keys_are_fetched_once_for_all_who_need_them_and_kept() -> None:
    stage = Stage()
    assert await asyncio.gather(*(stage.kids(KEY.kid) for _ in range(20))) == [[KEY.kid]] * 20
    stage.clock.now += REFRESH - 1
    await stage.kids(KEY.kid)
    assert stage.configured.asked == [URL]
    stage.clock.now += 1
    await stage.kids(KEY.kid)
    assert stage.configured.asked == [URL] * 2


async def test_an_unknown_kid_fetches_again_only_now_and_then() -> None:
    stage = Stage()
    await stage.kids(KEY.kid)
    stage.configured.answers[URL] = key_set(OTHER)
    for _ in range(3):
        assert await stage.kids(OTHER.kid) == [KEY.kid]
    stage.clock.now += MIN_FETCH_INTERVAL
    assert await stage.kids(OTHER.kid) == [OTHER.kid]
    assert await stage.kids("made-up") == [OTHER.kid]
    assert stage.configured.asked == [URL] * 2


async def test_keys_serve_on_while_they_can_not_be_fetched_but_not_for_ever() -> None:
    stage = Stage()
    await stage.kids()
    del stage.configured.answers[URL]
    stage.clock.now += REFRESH
    assert await stage.kids() == [KEY.kid]
    stage.clock.now += MAX_AGE
    with pytest.raises(IssuerUnavailable, match="shop"):
        await stage.kids()


async def test_who_has_registered_itself_is_asked_by_a_client_of_its_own() -> None:
    stage = Stage()
    await stage.kids(client=ROBOT)
    assert (stage.configured.asked, stage.registered.asked) == ([], [URL])


async def test_the_least_recently_used_sets_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    bound = client_key_sets._SETS
    size = client_key_sets._size(stage.sets._of(SHOP))
    assert size < 8 * 1024
    monkeypatch.setattr(client_key_sets, "_SETS", type(bound)("x", "x", 2, 0, bound.total_bytes))
    for name in ("a", "b", "a", "c", "a"):
        url = f"https://{name}.example"
        stage.configured.answers[url] = key_set(KEY)
        await stage.kids(client=Client(name, jwks_uri=url))
    assert stage.configured.asked == ["https://a.example", "https://b.example", "https://c.example"]
