"""What is refused is refused by the signature and the claims alone, without a question to the store."""

import hmac
import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.jose.compact import encoded, read_jwt
from gateway.jose.signing_key import SigningKey
from gateway.oauth.errors import OAuthError
from gateway.oauth.model import TokenInfo
from gateway.tokens.jwt_tokens import MAX_CACHED_SIGNATURES, JwtTokens, LookupNeeded
from tests.jose.tokens import ED, KEY, OTHER, RSA, jwt, part
from tests.services import ISSUER, Clock

FACTS = TokenInfo("demo", ("a",), (), "demo", 1_800_000_000, 1_800_000_600, "client_credentials")
HEADER = {"typ": "at+jwt", "alg": "ES256", "kid": KEY.kid}
CLAIMS = {"iss": ISSUER, "exp": 1_800_000_600}


class TwoKeys:
    """Signs with one key; another is published. Whether there are more can be in doubt."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys or (KEY, RSA))
        self.version = 0
        self.current = True
        self.to_come: list[SigningKey] = []

    async def signer(self) -> SigningKey:
        return self.keys[0]

    def find(self, kid: str) -> SigningKey | None:
        return next((key for key in self.keys if key.kid == kid), None)

    @property
    def published(self) -> list[dict[str, Any]]:
        return [key.jwk for key in self.keys]

    async def learn(self) -> None:
        self.keys += self.to_come
        self.current = True


def tokens(keys: TwoKeys | None = None, clock: Clock | None = None) -> JwtTokens:
    return JwtTokens(keys or TwoKeys(), ISSUER, ISSUER, lambda size: b"r" * size)


def ours(token: str, by: JwtTokens | None = None) -> bool | LookupNeeded:
    read = read_jwt(token)
    return read is not None and (by or tokens()).has_valid_tag(token, read)


@pytest.mark.parametrize("key", [KEY, RSA, ED])
@pytest.mark.parametrize("expires", [1, FACTS.expires])
async def test_a_token_that_was_made_here_is_ours_whatever_this_machines_clock_says(
    key: SigningKey, expires: int
) -> None:
    made_by = tokens(TwoKeys(key))
    token = (await made_by.form()).make(replace(FACTS, expires=expires))
    assert ours(token, made_by) is True


async def test_no_token_is_made_that_is_too_large_to_be_used() -> None:
    form = await tokens().form()
    with pytest.raises(OAuthError, match="fewer scopes"):
        form.make(replace(FACTS, scopes=tuple(f"a.long.name.of.a.scope.{number}" for number in range(300))))


async def test_a_token_of_a_published_key_is_ours() -> None:
    token = (await tokens(TwoKeys(RSA)).form()).make(FACTS)
    assert ours(token, tokens(TwoKeys(KEY, RSA))) is True


def confused(header: dict[str, Any]) -> str:
    """Signed with HMAC, the secret being what everybody knows: the public key."""
    signed = f"{part(header)}.{part(CLAIMS)}"
    secret = json.dumps(KEY.jwk).encode()
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


FORGED = {
    "another type": jwt({**HEADER, "typ": "JWT"}, CLAIMS),
    "no type": jwt({"alg": "ES256", "kid": KEY.kid}, CLAIMS),
    "none": jwt({**HEADER, "alg": "none"}, CLAIMS, signature=b"x"),
    "none without a signature": f"{part({**HEADER, 'alg': 'none'})}.{part(CLAIMS)}.",
    "None in another case": jwt({**HEADER, "alg": "nOnE"}, CLAIMS),
    "HS256": confused({**HEADER, "alg": "HS256"}),
    "HMAC under the right algorithm": confused(HEADER),
    "another algorithm of the same key": jwt({**HEADER, "alg": "RS256"}, CLAIMS),
    "no algorithm": jwt({"typ": "at+jwt", "kid": KEY.kid}, CLAIMS),
    "another key": jwt(HEADER, CLAIMS, OTHER),
    "another key's kid": jwt({**HEADER, "kid": RSA.kid}, CLAIMS),
    "unknown kid": jwt({**HEADER, "kid": OTHER.kid}, CLAIMS, OTHER),
    "no kid": jwt({"typ": "at+jwt", "alg": "ES256"}, CLAIMS),
    "a kid that is no text": jwt({**HEADER, "kid": [KEY.kid]}, CLAIMS),
    "jwk": jwt({**HEADER, "jwk": OTHER.jwk}, CLAIMS, OTHER),
    "jku": jwt({**HEADER, "kid": OTHER.kid, "jku": "https://evil.example/jwks"}, CLAIMS, OTHER),
    "x5u": jwt({**HEADER, "kid": OTHER.kid, "x5u": "https://evil.example/cert"}, CLAIMS, OTHER),
    "crit": jwt({**HEADER, "crit": ["b64"], "b64": False}, CLAIMS),
    "never ends": jwt(HEADER, {"iss": ISSUER}),
    "an end that is no number": jwt(HEADER, {**CLAIMS, "exp": "1800000600"}),
    "zeros": jwt(HEADER, CLAIMS, signature=bytes(64)),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_not_ours(token: str) -> None:
    assert ours(token) is False


def test_headers_that_point_to_keys_are_not_looked_at() -> None:
    header = {**HEADER, "jku": "https://evil.example", "x5u": "https://evil.example", "jwk": OTHER.jwk}
    assert ours(jwt(header, CLAIMS)) is True


async def test_changed_claims_are_not_ours() -> None:
    token = (await tokens().form()).make(FACTS)
    header, claims, signature = token.split(".")
    changed = json.loads(urlsafe_b64decode(claims + "==")) | {"scope": "admin"}
    assert ours(f"{header}.{part(changed)}.{signature}") is False


async def test_an_unknown_key_is_asked_for_where_there_may_be_another() -> None:
    keys = TwoKeys()
    keys.current, keys.to_come = False, [OTHER]
    by = tokens(keys)
    token = jwt({**HEADER, "kid": OTHER.kid}, CLAIMS, OTHER)
    read = read_jwt(token)
    assert read is not None
    assert by.has_valid_tag(token, read) is LookupNeeded.KEYS
    assert await by.verify_with_fresh_keys(token, read)
    strange = jwt({**HEADER, "kid": ED.kid}, CLAIMS, OTHER)
    assert by.has_valid_tag(strange, read_jwt(strange) or read) is False


def test_a_signature_is_verified_once_as_long_as_the_keys_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = TwoKeys()
    by = tokens(keys)
    count = 0
    verify = SigningKey.verify

    def counted(self: SigningKey, data: bytes, signature: bytes) -> bool:
        nonlocal count
        count += 1
        return verify(self, data, signature)

    monkeypatch.setattr(SigningKey, "verify", counted)
    good, bad = jwt(HEADER, CLAIMS), jwt(HEADER, CLAIMS, OTHER)
    for _ in range(5):
        assert ours(good, by) is True
        assert ours(bad, by) is False
    assert count == 2
    keys.version += 1
    assert ours(good, by) is True
    assert count == 3


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    by = tokens()
    monkeypatch.setattr(SigningKey, "verify", lambda *_: False)
    for number in range(MAX_CACHED_SIGNATURES + 50):
        ours(jwt(HEADER, {**CLAIMS, "n": number}, signature=b"x"), by)
    assert len(by._verified) == MAX_CACHED_SIGNATURES


MEMBERS = st.dictionaries(
    st.sampled_from(["typ", "alg", "kid", "iss", "exp", "aud", "jwk", "jku", "crit", "nbf"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.text())
    | st.sampled_from(["at+jwt", "ES256", "none", "HS256", KEY.kid, ISSUER]),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(MEMBERS, MEMBERS, st.binary())
def test_garbage_is_never_more_than_refused(header: Any, claims: Any, signature: bytes) -> None:
    assert ours(jwt(header, claims, signature=signature)) is False
