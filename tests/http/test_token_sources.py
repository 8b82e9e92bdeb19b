from gateway.http.token_sources import TokenSources, token_sources


def test_the_header_alone_is_nothing_special() -> None:
    assert token_sources(["header"]) is None


def test_each_place_that_is_named() -> None:
    everywhere = token_sources(["header", "cookie:a", "cookie:__Host-b", "websocket_protocol"])
    assert everywhere == TokenSources(True, frozenset({b"a", b"__Host-b"}), True)
    assert token_sources(["cookie:a"]) == TokenSources(False, frozenset({b"a"}), False)
