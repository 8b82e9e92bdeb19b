"""Assertions for backends: signed, given out again while they are young."""

from dataclasses import replace
from typing import Any

import jwt as pyjwt

from gateway.oauth.application import Application
from gateway.oauth.caller_facts import AssertionRules
from gateway.oauth.model import Client, TokenInfo
from gateway.tokens.backend_assertions import BackendAssertions
from gateway.tokens.signed_jwt import signed_jwt
from tests.jose.tokens import KEY
from tests.services import Clock

RULES = AssertionRules("/orders", "", 60)
TOKEN = TokenInfo("shop", ("a",), (), "shop", 0, 9, "client_credentials")


class Stage:
    """A signer, one client, and its application."""

    def __init__(self) -> None:
        self.clock, self.client = Clock(), Client("shop", application="app")
        self.asked: list[str] = []
        keys: Any = self
        self.assertions = BackendAssertions(keys, "https://gw", self.clock, self.find, self.application)

    async def signer(self) -> object:
        return KEY

    async def find(self, client_id: str) -> Client | None:
        self.asked.append(client_id)
        return self.client if client_id == self.client.id else None

    async def application(self, application_id: str) -> Application | None:
        self.asked.append(application_id)
        return Application("app", "Shop", "store:1", owner_name="ann")

    async def get(self, token: TokenInfo = TOKEN, rules: AssertionRules = RULES) -> str:
        known = self.assertions.known(token, rules)
        return await self.assertions.made(token, rules) if known is None else known


def read(assertion: str) -> dict[str, Any]:
    key = pyjwt.PyJWK(KEY.jwk).key
    found = pyjwt.decode(
        assertion, key, algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False}
    )
    return dict(found)


async def test_an_assertion_is_signed_with_a_published_key() -> None:
    assertion = await Stage().get()
    assert pyjwt.get_unverified_header(assertion) == {"typ": "JWT", "alg": "ES256", "kid": KEY.kid}
    claims = read(assertion)
    assert (claims["applicationname"], claims["subscriber"], claims["iss"]) == ("Shop", "ann", "https://gw")


def test_a_signed_jwt_is_what_others_read() -> None:
    text = signed_jwt("a-type", {"name": "Wuerfel", "n": 1}, KEY)
    assert pyjwt.get_unverified_header(text)["typ"] == "a-type"
    assert read(text) == {"name": "Wuerfel", "n": 1}


async def test_it_is_given_out_again_until_half_of_its_life_is_over() -> None:
    stage = Stage()
    first = await stage.get()
    stage.clock.now += 29
    assert await stage.get() == first
    assert stage.asked == ["shop", "app"]
    stage.clock.now += 1
    later = await stage.get()
    assert read(later)["exp"] == read(first)["exp"] + 30


async def test_each_caller_and_each_route_has_its_own() -> None:
    stage = Stage()
    first = await stage.get()
    others = [
        await stage.get(replace(TOKEN, client="mill")),
        await stage.get(replace(TOKEN, user="ann")),
        await stage.get(replace(TOKEN, tier="gold")),
        await stage.get(rules=replace(RULES, api="/bills")),
        await stage.get(rules=replace(RULES, dialect="x:")),
    ]
    assert len({first, *others}) == 6
    # What they may do is not in it.
    assert await stage.get(replace(TOKEN, scopes=("b",))) == first


async def test_what_is_very_long_is_made_each_time() -> None:
    stage = Stage()
    long = replace(TOKEN, user="u" * 1025)
    await stage.get(long)
    assert stage.assertions.known(long, RULES) is None
