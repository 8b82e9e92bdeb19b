from gateway.endpoints import is_endpoint


def test_an_endpoint_is_told_by_its_whole_path() -> None:
    assert is_endpoint(("token",))
    assert is_endpoint((".well-known", "oauth-protected-resource", "orders"))
    assert not is_endpoint((".well-known", "oauth-authorization-server", "orders"))
    assert not is_endpoint(("token", "x"))
    assert not is_endpoint(("tokens",))
