from gateway.jose.compact import read_jwt
from gateway.oauth.model import TokenInfo
from gateway.tokens.access_token_claims import access_token
from tests.jose.tokens import KEY

FACTS = TokenInfo("shop", ("a", "b"), ("https://api.example",), "shop", 100, 700, "client_credentials")


def test_a_token_has_all_that_rfc_9068_asks_for() -> None:
    read = read_jwt(access_token(FACTS, "https://gateway.example", "id-1", KEY))
    assert read is not None
    assert read.header == {"typ": "at+jwt", "alg": "ES256", "kid": KEY.kid}
    assert read.claims == {
        "iss": "https://gateway.example",
        "sub": "shop",
        "aud": "https://api.example",
        "client_id": "shop",
        "iat": 100,
        "exp": 700,
        "jti": "id-1",
        "scope": "a b",
    }
    assert KEY.verify(read.signed, read.signature)


def test_several_audiences_are_a_list_and_no_scope_is_no_member() -> None:
    facts = TokenInfo("shop", (), ("https://a.example", "https://b.example"), "ann", 1, 2, "password")
    read = read_jwt(access_token(facts, "https://gateway.example", "id-1", KEY))
    assert read is not None
    assert read.claims["aud"] == ["https://a.example", "https://b.example"]
    assert read.claims["sub"] == "ann"
    assert "scope" not in read.claims
