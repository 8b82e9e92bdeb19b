from gateway.oauth.metadata import non_empty, resource_metadata, server_metadata

ISSUER = "https://auth.example"


def test_further_members_stand_beside_the_others_and_empty_ones_are_left_out() -> None:
    members = server_metadata(
        ISSUER,
        {"token_endpoint": "/token"},
        grants=["b", "a"],
        auth_methods=["client_secret_basic"],
        scopes=[],
        further={"jwks_uri": ISSUER + "/jwks", "dpop_signing_alg_values_supported": []},
    )
    assert members["grant_types_supported"] == ["a", "b"]
    assert members["jwks_uri"] == ISSUER + "/jwks"
    assert "dpop_signing_alg_values_supported" not in members
    assert "scopes_supported" not in members
    assert members["response_types_supported"] == ["none"]


def test_a_resource_names_its_server() -> None:
    members = resource_metadata(ISSUER + "/orders", [ISSUER], ["b", "a", "b"])
    assert members == {
        "resource": ISSUER + "/orders",
        "authorization_servers": [ISSUER],
        "scopes_supported": ["a", "b"],
        "bearer_methods_supported": ["header"],
    }


def test_what_is_zero_is_not_reported() -> None:
    assert non_empty({"a": None, "b": "", "c": [], "d": False, "e": "x"}) == {"e": "x"}
