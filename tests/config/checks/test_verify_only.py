"""Routes that are judged at /auth/verify alone."""

import pytest

from tests.config.example import problems


def test_only_a_route_that_is_never_proxied_needs_no_upstream() -> None:
    text = """\
        routes:
          - {path: /a, verify_only: true}
          - {path: /b, verify_only: true, upstream: http://h}
          - {path: /c}
          - {path: /d, verify_only: false}
          - {path: /e, verify_only: true, upstream: null}
        """
    assert problems(text) == [
        "4:5: routes[2].upstream: is missing",
        "5:5: routes[3].upstream: is missing",
        "6:45: routes[4].upstream: must be a string, not nothing",
    ]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("canary: {upstream: 'http://c', percent: 5}", "nothing goes upstream"),
        ("mirror: {upstream: 'http://c'}", "nothing goes upstream"),
        ("end_with_token: true", "nothing that is sent can be ended"),
        ("mcp: {tools: {a: [b]}}", "messages are not seen"),
    ],
)
def test_what_happens_to_proxied_requests_has_no_effect_where_none_is(key: str, text: str) -> None:
    (found,) = problems(f"routes: [{{path: /a, upstream: 'http://h', verify_only: true, {key}}}]")
    assert found.endswith(f"verify_only is true, so {text}")


@pytest.mark.parametrize("path", ["/auth/verify", "/auth/verify/orders"])
def test_no_route_takes_what_proxies_ask(path: str) -> None:
    (found,) = problems(f"routes: [{{path: {path}, upstream: 'http://h'}}]")
    assert found == "1:17: routes[0].path: can't be reached: the gateway answers this path itself"
