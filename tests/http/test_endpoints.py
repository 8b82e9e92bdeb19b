from gateway.http.endpoints import RESOURCE_METADATA, GatewayPaths


def test_endpoints_are_exact_or_have_everything_below() -> None:
    paths = GatewayPaths("https://api.example.org")
    assert set(paths.exact).isdisjoint(paths.prefixes)
    assert {"/token", "/.well-known/openid-configuration"} <= set(paths.exact)
    assert paths.prefixes == (RESOURCE_METADATA, "/portal", "/auth/verify")


def test_behind_a_proxy_each_endpoint_answers_with_and_without_its_path() -> None:
    paths = GatewayPaths("https://api.example.org/auth", token=("/token", "/oauth2/token"))
    assert {"/token", "/oauth2/token", "/auth/token", "/auth/oauth2/token", "/auth/jwks"} <= set(paths.exact)
    assert "/.well-known/oauth-authorization-server/auth" in paths.exact
    assert "/auth/.well-known/openid-configuration" in paths.exact
    assert paths.uri_of("/token") == paths.uri_of("/auth/token") == "https://api.example.org/auth/token"
