from gateway.jose.compact import read_jwt
from gateway.oauth.grants import Grant
from gateway.oauth.model import TokenInfo
from gateway.store import Store
from gateway.tokens.token_formats import TokenFormats
from tests.services import ISSUER, Services, a_client

FACTS = TokenInfo("demo", ("a",), (), "demo", 100, 700, "client_credentials")


def formats(services: Services, default: str) -> TokenFormats:
    return TokenFormats(services.tokens, services.jwts, default)


async def test_a_client_without_a_format_gets_the_instances(store: Store) -> None:
    services = Services(store)
    assert (await formats(services, "opaque").of(a_client())).make(FACTS).startswith("gpt_")
    assert read_jwt((await formats(services, "jwt").of(a_client())).make(FACTS))
    assert read_jwt((await formats(services, "opaque").of(a_client(format="jwt"))).make(FACTS))


async def test_a_jwt_for_no_resource_is_for_the_gateway_and_its_record_says_so(store: Store) -> None:
    services = Services(store, format="jwt")
    token = (await services.issuer.issue(a_client(), "g", Grant("demo", ("a",), (), 60))).access_token
    read = read_jwt(token)
    facts = await services.token_validator.resolve(token)
    assert read is not None
    assert facts is not None
    assert read.claims["aud"] == ISSUER
    assert facts.audience == (ISSUER,)


async def test_a_token_and_its_record_say_the_same(store: Store) -> None:
    services = Services(store, format="jwt")
    grant = Grant("demo", ("a", "b"), ("https://a.example", "https://b.example"), 60)
    token = (await services.issuer.issue(a_client(), "g", grant)).access_token
    read = read_jwt(token)
    facts = await services.token_validator.resolve(token)
    assert read is not None
    assert facts is not None
    assert read.claims["aud"] == list(facts.audience)
    assert read.claims["scope"] == " ".join(facts.scopes)
    assert (read.claims["iat"], read.claims["exp"]) == (facts.issued, facts.expires)
    assert (read.claims["client_id"], read.claims["sub"]) == (facts.client, facts.subject)


async def test_tokens_of_different_formats_or_keys_bear_different_marks(store: Store) -> None:
    services = Services(store)
    opaque = await formats(services, "opaque").of(a_client())
    jwt = await formats(services, "jwt").of(a_client())
    assert opaque.format_id == ""
    assert jwt.format_id.startswith("jwt ")
