from gateway.oauth.certificate import certificate_thumbprint
from gateway.oauth.confirmation import confirmed_members, missing_proof, token_type

CERTIFICATE = b"certificate"
THUMBPRINT = certificate_thumbprint(CERTIFICATE)


def test_a_token_that_is_bound_to_a_key_is_no_bearer_token() -> None:
    assert token_type({}) == "Bearer"
    assert token_type({"x5t#S256": "a"}) == "Bearer"
    assert token_type({"jkt": "a", "x5t#S256": "a"}) == "DPoP"


def test_only_what_a_token_is_bound_to_is_worked_out() -> None:
    assert confirmed_members({}, CERTIFICATE, None) == {}
    assert confirmed_members({"x5t#S256": "a"}, CERTIFICATE, None) == {"x5t#S256": THUMBPRINT}
    assert confirmed_members({"x5t#S256": "a"}, None, "key") == {"jkt": "key"}


def test_what_a_request_has_not_proven_is_named() -> None:
    key, certificate = {"jkt": "key"}, {"x5t#S256": THUMBPRINT}
    assert missing_proof({}, {}) == ""
    assert missing_proof(key | certificate, key | certificate) == ""
    assert "came as a bearer token" in missing_proof(key | certificate, certificate)
    assert "came without one" in missing_proof(key | certificate, key)
    assert "another TLS certificate" in missing_proof(certificate, {"x5t#S256": "other"})
    assert "not supported" in missing_proof({"unheard-of": "x"}, {})
