"""An OpenID provider: when its metadata and keys are fetched, and what happens while it is down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.errors import IssuerUnavailable
from gateway.issuers.http_client import HttpClientError
from gateway.issuers.oidc_provider import MAX_AGE, PAUSE, REFRESH, OidcProvider
from gateway.oauth.oidc import ProviderRefused, new_flow
from tests.issuers.scripted import ScriptedFetch, key_set
from tests.jose.tokens import KEY, OTHER, jwt
from tests.services import Clock

ISSUER = "https://id.example"
PLACE = f"{ISSUER}/.well-known/openid-configuration"
NAMES = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
METADATA = {"issuer": ISSUER} | {name: f"{ISSUER}/{path}" for name, path in NAMES.items()}


class Stage:
    def __init__(self) -> None:
        self.clock, self.http = Clock(), ScriptedFetch()
        self.http.answers[PLACE] = json.dumps(METADATA).encode()
        self.http.answers[f"{ISSUER}/keys"] = key_set(KEY)
        self.flow = new_flow(bytes, self.clock(), "")
        self.provider = OidcProvider(
            self.http,
            issuer=ISSUER,
            client=("me", "secret"),
            redirect_uri="https://g.example/cb",
            scopes=("openid",),
            clock=self.clock,
            tick=self.clock,
        )

    async def finish(self, key: Any = KEY, **header: Any) -> Any:
        now = int(self.clock())
        claims = {"iss": ISSUER, "aud": "me", "sub": "ann", "iat": now, "exp": now + 60}
        token = jwt({"alg": key.algorithm, "kid": key.kid} | header, claims | {"nonce": self.flow.nonce}, key)
        self.http.answers[f"{ISSUER}/token"] = json.dumps({"id_token": token}).encode()
        return await self.provider.finish([("code", "abc"), ("state", self.flow.state)], self.flow)


async def test_a_code_is_exchanged_with_the_verifier_and_the_secret() -> None:
    stage = Stage()
    assert (await stage.finish())["sub"] == "ann"
    ((form, login),) = stage.http.forms
    assert login == ("me", "secret")
    assert form == {
        "grant_type": "authorization_code",
        "code": "abc",
        "redirect_uri": "https://g.example/cb",
        "code_verifier": stage.flow.verifier,
    }


async def test_metadata_is_fetched_once_an_hour_and_used_a_day_while_the_provider_is_down() -> None:
    stage = Stage()
    for _ in range(3):
        assert (await stage.provider.begin(stage.flow)).startswith(f"{ISSUER}/auth?")
    assert stage.http.asked == [PLACE]
    stage.clock.now += REFRESH
    await stage.provider.begin(stage.flow)
    assert stage.http.asked == [PLACE, PLACE]
    del stage.http.answers[PLACE]
    stage.clock.now += REFRESH
    await stage.provider.begin(stage.flow)
    stage.clock.now += MAX_AGE - REFRESH
    with pytest.raises(IssuerUnavailable):
        await stage.provider.begin(stage.flow)
    # Whoever signs out is not kept waiting, nor sent to where nothing is announced.
    assert await stage.provider.logout("https://g.example/") == ""


async def test_a_provider_that_is_down_is_asked_at_intervals(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    document = stage.http.answers.pop(PLACE)
    for _ in range(5):
        with pytest.raises(IssuerUnavailable):
            await stage.provider.begin(stage.flow)
    assert stage.http.asked == [PLACE]
    assert "nobody can sign in at https://id.example" in caplog.text
    assert await stage.provider.logout("https://g.example/") == ""
    stage.http.answers[PLACE] = document
    stage.clock.now += PAUSE
    await stage.provider.begin(stage.flow)


async def test_metadata_of_another_issuer_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.http.answers[PLACE] = json.dumps(METADATA | {"issuer": "https://evil.example"}).encode()
    with pytest.raises(IssuerUnavailable):
        await stage.provider.begin(stage.flow)
    assert "is not this issuer's metadata" in caplog.text


async def test_new_keys_are_learned_and_unknown_ones_refused() -> None:
    stage = Stage()
    await stage.finish()
    with pytest.raises(ProviderRefused, match="not signed"):
        await stage.finish(OTHER)
    with pytest.raises(ProviderRefused, match="not signed"):
        await stage.finish(OTHER, kid=KEY.kid)
    stage.http.answers[f"{ISSUER}/keys"] = key_set(OTHER)
    stage.clock.now += 60
    assert (await stage.finish(OTHER))["sub"] == "ann"
    stage.http.answers[f"{ISSUER}/token"] = b'{"id_token": "opaque"}'
    with pytest.raises(ProviderRefused, match="is none"):
        await stage.provider.finish([("code", "abc"), ("state", stage.flow.state)], stage.flow)


async def test_without_keys_nobody_is_signed_in() -> None:
    stage = Stage()
    del stage.http.answers[f"{ISSUER}/keys"]
    with pytest.raises(IssuerUnavailable, match="the keys"):
        await stage.finish()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ProviderRefused),
        (403, ProviderRefused),
        (401, IssuerUnavailable),
        (500, IssuerUnavailable),
        (0, IssuerUnavailable),
    ],
)
async def test_a_refused_code_differs_from_a_failing_provider(status: int, error: type[Exception]) -> None:
    stage = Stage()

    async def post(url: str, form: object, login: object) -> bytes:
        del form, login
        raise HttpClientError(url, status)

    stage.http.post = post  # type: ignore[method-assign]  # a failure of this status
    with pytest.raises(error):
        await stage.finish()
