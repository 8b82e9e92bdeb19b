import secrets

from gateway.oauth.grants import Grant, IssuedToken
from gateway.oauth.opaque_tokens import token_hash
from gateway.oauth.refresh_token_format import RefreshTokens
from gateway.store import Store
from gateway.tokens.refresh_families import RefreshTokenFamilies
from gateway.tokens.token_lookup import FoundToken, TokenLookup
from tests.services import Services, a_client
from tests.store.stage import until


async def test_both_kinds_of_tokens_are_found_and_ended(store: Store, prefix: str) -> None:
    await store.link.execute("SET", f"{prefix}ug:store:1", "1 Ada")
    services = Services(store)
    tokens = RefreshTokens((b"r" * 32,), secrets.token_bytes)
    families = RefreshTokenFamilies(store.refresh_tokens, tokens, services.clients, services.clock)
    held = TokenLookup(services.token_validator, families)

    grant = Grant("Ada", ("orders.read",), (), 600, user="Ada", user_id="store:1", user_generation="1")
    access = (await services.issuer.issue(a_client(), "password", grant)).access_token
    refresh = await families.begin(a_client(), IssuedToken(token_hash(access), "password", grant))

    found = await held.find(access)
    assert isinstance(found, FoundToken)
    assert (found.facts.user, found.token_type) == ("Ada", "Bearer")
    found = await held.find(refresh)
    assert isinstance(found, FoundToken)
    assert (found.facts.user, found.token_type) == ("Ada", None)
    assert await held.find("nonsense") is None

    await held.end(refresh)
    assert await held.find(refresh) is None
    assert await held.find(access) is None


async def test_a_token_is_over_when_the_store_says_so_whatever_the_clock_says(store: Store) -> None:
    services = Services(store)
    tokens = RefreshTokens((b"r" * 32,), secrets.token_bytes)
    families = RefreshTokenFamilies(store.refresh_tokens, tokens, services.clients, services.clock)
    held = TokenLookup(services.token_validator, families)
    access = (await services.issuer.issue(a_client(), "x", Grant("demo", (), (), 1))).access_token
    services.clock.now += 600
    assert await held.find(access) is not None
    services.clock.now -= 1200
    await until(lambda: _is_gone(held, access))
    await held.end(access)


async def _is_gone(lookup: TokenLookup, token: str) -> bool:
    return await lookup.find(token) is None
