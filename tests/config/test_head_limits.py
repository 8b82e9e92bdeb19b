import pytest

from gateway.http.head_limits import DEFAULT_LIMITS
from tests.config.example import problems, settings


def test_the_defaults_are_those_of_requests_without_a_configuration() -> None:
    assert settings("logging: {}").server.limits.of_requests == DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("head", "1"),
        ("head", "2m"),
        ("headers", "3"),
        ("headers", "1001"),
        ("target", "63"),
        ("answer_head", "1k"),
    ],
)
def test_a_limit_that_is_too_small_or_too_large_is_named(key: str, value: str) -> None:
    (found,) = problems(f"server: {{limits: {{{key}: {value}}}}}")
    assert f"server.limits.{key}: must be" in found
