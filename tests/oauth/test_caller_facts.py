"""What an assertion tells a backend."""

from gateway.oauth.application import Application
from gateway.oauth.caller_facts import AssertionRules, assertion_claims
from gateway.oauth.model import Client, TokenInfo

RULES = AssertionRules("/orders", "http://wso2.org/claims/", 60)
TOKEN = TokenInfo("key-1", ("a",), (), "key-1", 0, 9, "client_credentials", tier="Gold")


def test_application_api_tier_and_subscriber_are_told() -> None:
    application = Application("app-1", "Shop", "store:1", tier="Silver", sandbox="key-1", owner_name="ann")
    claims = assertion_claims(TOKEN, RULES, Client("key-1"), application, "https://gw", 1000.7)
    assert claims == {
        "iss": "https://gw",
        "sub": "key-1",
        "client_id": "key-1",
        "iat": 1000,
        "exp": 1060,
        "http://wso2.org/claims/subscriber": "ann",
        "http://wso2.org/claims/applicationid": "app-1",
        "http://wso2.org/claims/applicationname": "Shop",
        "http://wso2.org/claims/applicationtier": "Silver",
        "http://wso2.org/claims/apicontext": "/orders",
        "http://wso2.org/claims/tier": "Gold",
        "http://wso2.org/claims/keytype": "SANDBOX",
        "http://wso2.org/claims/usertype": "APPLICATION",
        "http://wso2.org/claims/enduser": "key-1",
    }


def test_a_client_without_an_application_stands_for_itself() -> None:
    token = TokenInfo("shop", (), (), "file:ann", 0, 9, "password", user="ann")
    rules = AssertionRules("/orders", "", 60, "https://orders.example")
    claims = assertion_claims(token, rules, Client("shop", "Web shop", tier="slow"), None, "https://gw", 0)
    assert (claims["applicationid"], claims["applicationname"]) == ("shop", "Web shop")
    assert (claims["tier"], claims["applicationtier"], claims["keytype"]) == ("slow", "slow", "PRODUCTION")
    assert (claims["usertype"], claims["enduser"], claims["sub"]) == ("APPLICATION_USER", "ann", "file:ann")
    assert claims["aud"] == "https://orders.example"
    assert "subscriber" not in claims
    unknown = assertion_claims(token, rules, None, None, "https://gw", 0)
    assert unknown["applicationname"] == "shop"
