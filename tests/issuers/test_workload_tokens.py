"""Finding the client of a platform's token: what is refused, and when something must be asked."""

import pytest

from gateway.errors import IssuerUnavailable
from gateway.issuers.jwt_issuer import JwtIssuer
from gateway.issuers.result_cache import ResultCache
from gateway.issuers.rules import IssuerRules
from gateway.issuers.workload_tokens import WorkloadTokens
from gateway.issuers.workloads import Workloads
from gateway.jose.key_set import KeySet, read_key_set
from gateway.oauth.model import Client
from gateway.oauth.trust import ClaimRule, Trust
from tests.issuers.scripted import ISSUER, NOW, key_set
from tests.jose.tokens import KEY, OTHER, jwt
from tests.services import Clock

HEADER = {"typ": "JWT", "alg": "ES256", "kid": KEY.kid}
CLAIMS = {"iss": ISSUER, "sub": "shop", "aud": "https://gw", "exp": NOW + 600, "iat": NOW}


class Keys:
    """Keys that are there, or come when they are asked for."""

    def __init__(self, current: KeySet | None, learned: KeySet | None = None) -> None:
        self.current = current
        self.learned = learned
        self.may_learn = True
        self.asked = 0

    async def learn(self) -> None:
        self.asked += 1
        self.current = self.learned or self.current
        self.may_learn = False

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Used:
    """Remembers what was used."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    async def first(self, purpose: str, name: str, seconds: int) -> bool:
        known = [one for one, _ in self.seen]
        self.seen.append((name, seconds))
        return name not in known


def tokens(keys: Keys, *, once: bool = False, enabled: bool = True) -> tuple[WorkloadTokens, Used]:
    trust = Trust("corp", "https://gw", (ClaimRule("sub", "shop"),), once)
    workloads = Workloads([Client("orders", trust=(trust,), enabled=enabled)])
    clock, used = Clock(), Used()
    rules = IssuerRules("corp", ISSUER, algorithms=frozenset({"ES256"}))
    issuer = JwtIssuer(rules, keys, ResultCache(clock), clock, workloads)
    return WorkloadTokens([issuer], workloads, used, clock), used


GOOD = read_key_set(key_set(KEY))


async def test_the_client_that_trusts_the_token_is_found() -> None:
    found = await tokens(Keys(GOOD))[0].client_of(jwt(HEADER, CLAIMS))
    assert isinstance(found, Client)
    assert found.id == "orders"


REFUSED = {
    "of no issuer": ({}, {"iss": "https://other"}),
    "trusted by no client": ({}, {"sub": "shop2"}),
    "expired": ({}, {"exp": NOW - 31}),
    "another type": ({"typ": "x+jwt"}, {}),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_any_other_token_is_refused_with_a_reason(reason: str) -> None:
    header, claims = REFUSED[reason]
    found = await tokens(Keys(GOOD))[0].client_of(jwt(HEADER | header, CLAIMS | claims))
    assert isinstance(found, str)
    assert reason in found


async def test_what_is_no_jwt_or_signed_by_another_key_is_refused() -> None:
    found = tokens(Keys(GOOD))[0]
    assert "of no issuer" in str(await found.client_of("opaque"))
    assert "not signed" in str(await found.client_of(jwt(HEADER, CLAIMS, OTHER)))


async def test_a_disabled_client_gets_nothing() -> None:
    assert "disabled" in str(await tokens(Keys(GOOD), enabled=False)[0].client_of(jwt(HEADER, CLAIMS)))


async def test_an_unknown_key_is_asked_for_once_the_claims_are_right() -> None:
    keys = Keys(read_key_set(key_set(OTHER)), learned=GOOD)
    found = tokens(keys)[0]
    assert "trusted by no client" in str(await found.client_of(jwt(HEADER, CLAIMS | {"sub": "x"})))
    assert keys.asked == 0
    assert isinstance(await found.client_of(jwt(HEADER, CLAIMS)), Client)
    assert keys.asked == 1


async def test_an_issuer_whose_keys_can_not_be_had_is_unavailable() -> None:
    with pytest.raises(IssuerUnavailable):
        await tokens(Keys(None))[0].client_of(jwt(HEADER, CLAIMS))


async def test_where_once_is_asked_the_second_use_is_refused_and_remembered_long_enough() -> None:
    found, used = tokens(Keys(GOOD), once=True)
    token = jwt(HEADER, CLAIMS)
    assert isinstance(await found.client_of(token), Client)
    assert "used before" in str(await found.client_of(token))
    assert used.seen[0][1] >= 600 + 2 * 30
