"""RFC 8725's attacks on a verifier, against tokens of another issuer."""

import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import IssuerUnavailable
from gateway.issuers.issuer_keys import MIN_FETCH_INTERVAL, RemoteKeys
from gateway.issuers.jwt_issuer import JwtIssuer
from gateway.issuers.result_cache import ResultCache
from gateway.jose.compact import encoded, read_jwt
from gateway.jose.key_set import KeySet, read_key_set
from gateway.oauth.model import TokenInfo
from gateway.tokens.jwt_tokens import LookupNeeded
from tests.issuers.scripted import CLAIMS, HEADER, ISSUER, RULES, ScriptedFetch, key_set
from tests.jose.tokens import ED, KEY, OTHER, RSA, jwt, part
from tests.services import Clock

URL = "https://id.example/jwks"
GOOD = jwt(HEADER, CLAIMS)
PUBLIC_PEM = KEY.public.material.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Stage:
    """An issuer with one EC and one RSA key, of which the gateway has the public halves."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.fetch = ScriptedFetch()
        self.fetch.answers[URL] = key_set(KEY, RSA)
        results = ResultCache(self.clock)
        self.keys = RemoteKeys(
            self.fetch, issuer=ISSUER, url=URL, refresh=600, changed=results.forget, clock=self.clock
        )
        self.issuer = JwtIssuer(RULES, self.keys, results, self.clock)

    async def resolve(self, token: str) -> TokenInfo | None:
        known = self.resolve_now(token)
        return await self.issuer.resolve(token, read_jwt(token)) if isinstance(known, LookupNeeded) else known

    def resolve_now(self, token: str) -> TokenInfo | LookupNeeded | None:
        return self.issuer.resolve_now(token, read_jwt(token))


async def test_a_good_token_is_believed_and_from_then_on_known() -> None:
    stage = Stage()
    facts = await stage.resolve(GOOD)
    assert facts is not None
    assert facts.client == "corp:shop"
    assert stage.issuer.results.get(GOOD) == facts
    stage.clock.now = facts.expires
    assert stage.resolve_now(GOOD) is None


async def test_other_kinds_of_keys_are_as_good() -> None:
    stage = Stage()
    assert await stage.resolve(jwt({**HEADER, "alg": "RS256", "kid": RSA.kid}, CLAIMS, RSA))
    assert await stage.resolve(jwt({"typ": "at+jwt", "alg": "RS256"}, CLAIMS, RSA))


def confused(secret: bytes) -> str:
    signed = f"{part({**HEADER, 'alg': 'HS256'})}.{part(CLAIMS)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


FORGED = {
    "another type": jwt({**HEADER, "typ": "JWT"}, CLAIMS),
    "no type": jwt({"alg": "ES256", "kid": KEY.kid}, CLAIMS),
    "an ID token": jwt({**HEADER, "typ": "id+jwt"}, CLAIMS),
    "none": jwt({**HEADER, "alg": "none"}, CLAIMS),
    "NONE": jwt({**HEADER, "alg": "NONE"}, CLAIMS),
    "HS256 under the public key": confused(json.dumps(KEY.jwk).encode()),
    "HS256 under the public PEM": confused(PUBLIC_PEM),
    "an algorithm of another kind": jwt({**HEADER, "alg": "RS256"}, CLAIMS),
    "an algorithm that is not allowed": jwt({**HEADER, "alg": "ES384"}, CLAIMS),
    "another key": jwt(HEADER, CLAIMS, OTHER),
    "an unknown kid": jwt({**HEADER, "kid": OTHER.kid}, CLAIMS, OTHER),
    "no kid, another key": jwt({"typ": "at+jwt", "alg": "ES256"}, CLAIMS, OTHER),
    "a kid that is no text": jwt({**HEADER, "kid": {}}, CLAIMS),
    "jwk": jwt({**HEADER, "kid": OTHER.kid, "jwk": OTHER.jwk}, CLAIMS, OTHER),
    "jwk under a known kid": jwt({**HEADER, "jwk": OTHER.jwk}, CLAIMS, OTHER),
    "jku": jwt({**HEADER, "kid": OTHER.kid, "jku": "https://evil.example"}, CLAIMS, OTHER),
    "x5u": jwt({**HEADER, "kid": OTHER.kid, "x5u": "https://evil.example"}, CLAIMS, OTHER),
    "crit": jwt({**HEADER, "crit": ["exp"]}, CLAIMS),
    "another issuer": jwt(HEADER, {**CLAIMS, "iss": "https://evil.example"}),
    "another audience": jwt(HEADER, {**CLAIMS, "aud": "https://other.example"}),
    "expired": jwt(HEADER, {**CLAIMS, "exp": 1_799_999_000}),
    "changed": GOOD.replace(part(CLAIMS), part({**CLAIMS, "scope": "admin"})),
    "zeros": jwt(HEADER, CLAIMS, signature=bytes(64)),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
async def test_a_forged_token_is_refused_and_only_the_issuer_is_asked(token: str) -> None:
    stage = Stage()
    if read_jwt(token) is not None:
        assert await stage.resolve(token) is None
        assert set(stage.fetch.asked) <= {URL}
    assert await stage.resolve(GOOD)


async def test_a_new_key_is_fetched_when_a_token_names_it() -> None:
    stage = Stage()
    await stage.resolve(GOOD)
    stage.fetch.answers[URL] = key_set(KEY, OTHER)
    token = jwt({**HEADER, "kid": OTHER.kid}, CLAIMS, OTHER)
    assert await stage.resolve(token) is None
    stage.clock.now += MIN_FETCH_INTERVAL
    assert await stage.resolve(token)
    assert stage.fetch.asked == [URL, URL]


async def test_made_up_key_names_do_not_flood_the_issuer() -> None:
    stage = Stage()
    await stage.resolve(GOOD)
    for number in range(50):
        assert await stage.resolve(jwt({**HEADER, "kid": f"made-up-{number}"}, CLAIMS)) is None
    assert stage.fetch.asked == [URL]


async def test_nobody_is_let_in_while_the_keys_cannot_be_had() -> None:
    stage = Stage()
    stage.fetch.answers.clear()
    with pytest.raises(IssuerUnavailable):
        await stage.resolve(GOOD)
    with pytest.raises(IssuerUnavailable):
        await stage.resolve(GOOD)
    assert stage.fetch.asked == [URL]
    # What is wrong without a look at the keys is told as such.
    assert await stage.resolve(jwt({**HEADER, "alg": "none"}, CLAIMS)) is None


async def test_a_key_that_is_withdrawn_takes_its_tokens_along() -> None:
    stage = Stage()
    assert await stage.resolve(GOOD)
    stage.fetch.answers[URL] = key_set(RSA)
    await stage.keys.learn()
    assert await stage.resolve(GOOD) is None


class Fixed:
    """Keys that never change."""

    may_learn = False

    def __init__(self, known: KeySet) -> None:
        self.current: KeySet | None = known

    async def learn(self) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


async def test_an_issuer_may_be_older_than_rfc_9068() -> None:
    keys, clock = Fixed(read_key_set(key_set(ED))), Clock()
    rules = replace(RULES, types=frozenset({"jwt"}))
    issuer = JwtIssuer(rules, keys, ResultCache(clock), clock)
    for header in ({"typ": "JWT"}, {}):
        token = jwt({**header, "alg": "EdDSA", "kid": ED.kid}, CLAIMS, ED)
        assert isinstance(issuer.resolve_now(token, read_jwt(token)), TokenInfo)
    strict = jwt({"typ": "at+jwt", "alg": "EdDSA", "kid": ED.kid}, CLAIMS, ED)
    assert issuer.resolve_now(strict, read_jwt(strict)) is None


GARBAGE = st.dictionaries(
    st.sampled_from(["typ", "alg", "kid", "jwk", "x5c", "crit", *CLAIMS]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.text())
    | st.sampled_from(["at+jwt", "ES256", "RS256", "EdDSA", "none", "HS256", KEY.kid, RSA.kid]),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(GARBAGE, GARBAGE, st.binary() | st.just(bytes(64)))
def test_garbage_is_never_more_than_refused(header: Any, claims: Any, signature: bytes) -> None:
    clock = Clock()
    issuer = JwtIssuer(RULES, Fixed(read_key_set(key_set(KEY, RSA))), ResultCache(clock), clock)
    token = jwt({**HEADER, **header}, {**CLAIMS, **claims}, signature=signature)
    assert issuer.resolve_now(token, read_jwt(token)) is None


async def test_why_a_token_does_not_hold_is_told() -> None:
    stage = Stage()
    await stage.resolve(GOOD)
    for token, reason in (
        (jwt(HEADER, {**CLAIMS, "aud": "https://other.example"}), "aud has none of the issuer's audiences"),
        (jwt({**HEADER, "typ": "JWT"}, CLAIMS), "typ is not one of the issuer's types"),
        (jwt({**HEADER, "kid": "unheard-of"}, CLAIMS), "its kid is of no key of the issuer"),
        (jwt(HEADER, CLAIMS, OTHER), "it is not signed by a key of the issuer"),
        ("opaque", "it is no JWT"),
    ):
        assert await stage.resolve(token) is None
        assert reason in stage.issuer.why_refused(token, read_jwt(token))
