import secrets

from gateway.oauth.grants import Grant, IssuedToken
from gateway.oauth.opaque import token_hash
from gateway.oauth.refresh import RefreshTokens
from gateway.store import Store
from gateway.tokens.held import Held, HeldTokens
from gateway.tokens.refresh import RefreshFamilies
from tests.services import Services, a_client


async def test_both_kinds_of_tokens_are_found_and_ended(store: Store) -> None:
    services = Services(store)
    tokens = RefreshTokens(b"r" * 32, secrets.token_bytes)
    families = RefreshFamilies(store.refresh_tokens, tokens, services.clients, services.clock)
    held = HeldTokens(services.guard, families, services.clock)

    grant = Grant("Ada", ("orders.read",), (), 600, user="Ada")
    access = (await services.issuer.issue(a_client(), "password", grant)).access_token
    refresh = await families.begin(a_client(), IssuedToken(token_hash(access), "password", grant))

    found = await held.find(access)
    assert isinstance(found, Held)
    assert (found.facts.user, found.token_type) == ("Ada", "Bearer")
    found = await held.find(refresh)
    assert isinstance(found, Held)
    assert (found.facts.user, found.token_type) == ("Ada", None)
    assert await held.find("nonsense") is None

    await held.end(refresh)
    assert await held.find(refresh) is None
    assert await held.find(access) is None


async def test_a_token_is_over_when_its_clock_says_so(store: Store) -> None:
    services = Services(store)
    tokens = RefreshTokens(b"r" * 32, secrets.token_bytes)
    families = RefreshFamilies(store.refresh_tokens, tokens, services.clients, services.clock)
    held = HeldTokens(services.guard, families, services.clock)
    access = (await services.issuer.issue(a_client(), "x", Grant("demo", (), (), 600))).access_token
    services.clock.now += 600
    assert await held.find(access) is None
    await held.end(access)
