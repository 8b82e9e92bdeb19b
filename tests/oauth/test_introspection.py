from gateway.oauth.introspection import description, may_see
from gateway.oauth.model import Client, TokenInfo

FACTS = TokenInfo("shop", ("a", "b"), ("https://api.example",), "alice", 10, 20, "password", user="alice")


def test_who_may_see_a_token() -> None:
    assert may_see(Client("shop"), FACTS)
    assert may_see(Client("api", audiences=("https://api.example", "https://x.example")), FACTS)
    assert may_see(Client("monitor", introspect=True), FACTS)
    assert not may_see(Client("other", audiences=("https://x.example",)), FACTS)


def test_what_is_reported_of_it() -> None:
    assert description(FACTS, "https://auth.example", "Bearer") == {
        "active": True,
        "scope": "a b",
        "client_id": "shop",
        "username": "alice",
        "token_type": "Bearer",
        "exp": 20,
        "iat": 10,
        "sub": "alice",
        "aud": ["https://api.example"],
        "iss": "https://auth.example",
    }
