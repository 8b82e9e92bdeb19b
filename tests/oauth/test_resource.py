import pytest

from gateway.oauth.errors import OAuthError
from gateway.oauth.resource import RouteResource, granted_audience, is_resource

ALLOWED = ("https://api.example.org/orders", "urn:example:stock")


def test_who_names_none_gets_all_that_the_client_may_have() -> None:
    assert granted_audience((), ALLOWED) == ALLOWED


def test_who_names_some_gets_those() -> None:
    assert granted_audience(("urn:example:stock",), ALLOWED) == ("urn:example:stock",)


@pytest.mark.parametrize(
    "resource", ["https://other.example", "/orders", "https://api.example.org/orders#x", ""]
)
def test_anything_else_is_an_invalid_target(resource: str) -> None:
    with pytest.raises(OAuthError) as caught:
        granted_audience((resource,), ALLOWED)
    assert caught.value.error == "invalid_target"


@pytest.mark.parametrize("text", ["https://[", "https://a b", "ü:x", "nothing", "https:", "https://a#"])
def test_what_is_no_absolute_uri_without_fragment_is_reported(text: str) -> None:
    assert not is_resource(text)


def test_a_resource_without_a_path_may_be_named_with_a_slash() -> None:
    root = RouteResource("https://api.example.org", frozenset(), below=True)
    deep = RouteResource("https://api.example.org/mcp", frozenset(), below=False)
    assert granted_audience(("https://api.example.org/",), (), [root]) == ("https://api.example.org",)
    assert granted_audience(("https://a.example/",), ("https://a.example/",), [root]) == (
        "https://a.example/",
    )
    for resource in ("https://api.example.org/mcp/", "https://a.example/"):
        with pytest.raises(OAuthError):
            granted_audience((resource,), (), [deep])
