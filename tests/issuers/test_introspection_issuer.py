import asyncio
import json
from typing import Any

import pytest

from gateway.errors import IssuerUnavailable
from gateway.issuers.introspection_issuer import MAX_CONCURRENT, Endpoint, IntrospectionIssuer
from gateway.issuers.result_cache import ResultCache
from gateway.jose.compact import read_jwt
from gateway.oauth.model import TokenInfo
from gateway.tokens.jwt_tokens import LookupNeeded
from tests.issuers.scripted import CLAIMS, HEADER, ISSUER, NOW, RULES, ScriptedFetch
from tests.jose.tokens import jwt
from tests.services import Clock

URL = "https://id.example/introspect"
ACTIVE = {**CLAIMS, "active": True, "token_type": "Bearer"}


class Stage:
    def __init__(self, answer: Any = ACTIVE, cache: int = 30) -> None:
        self.clock = Clock()
        self.fetch = ScriptedFetch()
        self.say(answer)
        endpoint = Endpoint(URL, "gatepost", "secret", cache)
        self.issuer = IntrospectionIssuer(RULES, endpoint, self.fetch, ResultCache(self.clock), self.clock)

    def say(self, answer: Any) -> None:
        self.fetch.answers[URL] = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    async def resolve(self, token: str = "t") -> TokenInfo | None:
        known = self.issuer.resolve_now(token, read_jwt(token))
        return await self.issuer.resolve(token, None) if isinstance(known, LookupNeeded) else known


async def test_the_issuer_is_asked_as_rfc_7662_has_it() -> None:
    stage = Stage()
    facts = await stage.resolve("abc")
    assert facts is not None
    assert (facts.client, facts.scopes) == ("corp:shop", ("orders.read", "orders.write"))
    form = {"token": "abc", "token_type_hint": "access_token"}
    assert stage.fetch.forms == [(form, ("gatepost", "secret"))]


@pytest.mark.parametrize(
    "answer",
    [
        {"active": False},
        {},
        {**ACTIVE, "active": "true"},
        {**ACTIVE, "active": 1},
        {**ACTIVE, "iss": "https://evil.example"},
        {**ACTIVE, "aud": "https://other.example"},
        {**ACTIVE, "exp": NOW - 60},
        {**ACTIVE, "nbf": NOW + 60},
        {**ACTIVE, "token_type": "N_A"},
        {**ACTIVE, "cnf": ["x"]},
        {**ACTIVE, "client_id": None},
    ],
)
async def test_anything_but_active_and_meant_for_here_is_refused(answer: dict[str, Any]) -> None:
    stage = Stage(answer)
    assert await stage.resolve() is None


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"[]", b"[" * 100_000])
async def test_what_is_no_answer_lets_nobody_in(answer: bytes) -> None:
    stage = Stage(answer)
    with pytest.raises(IssuerUnavailable):
        await stage.resolve()
    stage.say(ACTIVE)
    assert await stage.resolve()


async def test_no_answer_lets_nobody_in() -> None:
    stage = Stage()
    stage.fetch.answers.clear()
    with pytest.raises(IssuerUnavailable):
        await stage.resolve()


async def test_an_answer_is_believed_for_a_short_while() -> None:
    stage = Stage(cache=30)
    for _ in range(5):
        assert await stage.resolve()
    stage.clock.now += 30
    stage.say({"active": False})
    assert await stage.resolve() is None
    assert len(stage.fetch.forms) == 2
    assert await stage.resolve() is None
    assert len(stage.fetch.forms) == 2
    stage.clock.now += 10
    stage.say(ACTIVE)
    assert await stage.resolve()


async def test_no_answer_is_believed_longer_than_the_token_lives() -> None:
    stage = Stage({**ACTIVE, "exp": NOW + 5}, cache=3600)
    facts = await stage.resolve()
    assert facts is not None
    stage.clock.now = facts.expires
    assert isinstance(stage.issuer.resolve_now("t", None), LookupNeeded)


async def test_it_can_be_asked_each_time() -> None:
    stage = Stage(cache=0)
    for _ in range(3):
        assert await stage.resolve()
    stage.say({"active": False})
    assert await stage.resolve() is None
    assert len(stage.fetch.forms) == 4


async def test_an_answer_without_an_end_lasts_while_it_is_believed() -> None:
    answer = {name: value for name, value in ACTIVE.items() if name != "exp"}
    facts = await Stage(answer, cache=300).resolve()
    assert facts is not None
    assert facts.expires == NOW + 300


async def test_many_who_show_the_same_token_ask_once() -> None:
    stage = Stage()
    found = await asyncio.gather(*(stage.issuer.resolve("t", None) for _ in range(50)))
    assert all(found)
    assert len(stage.fetch.forms) == 1


async def test_who_leaves_does_not_take_the_answer_from_the_others() -> None:
    stage = Stage()
    stage.fetch.gate.clear()
    one, other = (asyncio.create_task(stage.issuer.resolve("t", None)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.sleep(0)
    stage.fetch.gate.set()
    assert await other


async def test_no_more_than_so_many_wait_for_a_slow_issuer() -> None:
    stage = Stage()
    stage.fetch.gate.clear()
    waiting = [asyncio.create_task(stage.issuer.resolve(str(n), None)) for n in range(MAX_CONCURRENT)]
    await asyncio.sleep(0)
    with pytest.raises(IssuerUnavailable, match="too many"):
        await stage.issuer.resolve("one more", None)
    await stage.issuer.stop()
    await asyncio.wait(waiting)
    assert all(task.cancelled() for task in waiting)


def test_a_jwt_of_somebody_else_is_not_shown_to_the_issuer() -> None:
    issuer = Stage().issuer
    assert issuer.takes(None)
    assert issuer.takes(read_jwt(jwt(HEADER, {"iss": ISSUER})))
    assert not issuer.takes(read_jwt(jwt(HEADER, {"iss": "https://other.example"})))
    assert not issuer.takes(read_jwt(jwt(HEADER, {})))


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(Endpoint(URL, "gatepost", "hidden secret", 30))


async def test_why_a_token_does_not_hold_is_told() -> None:
    stage = Stage({**ACTIVE, "aud": "https://other.example"})
    assert await stage.resolve("t") is None
    assert "aud has none of the issuer's audiences" in stage.issuer.why_refused("t", None)
    stage.say({"active": False})
    assert await stage.resolve("u") is None
    assert stage.issuer.why_refused("u", None) == "the issuer says that it is not active"
    assert stage.issuer.why_refused("v", None) == "its answer is not cached"
