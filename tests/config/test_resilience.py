import pytest

from gateway.config.resilience import check_target
from tests.config.example import problems


@pytest.mark.parametrize("target", ["/", "/health", "/a/b?deep=1", "/%20"])
def test_what_is_asked_for_is_a_path(target: str) -> None:
    assert check_target(target) == target


@pytest.mark.parametrize("target", ["", "health", "/a b", "/a\r\nX: y", "/#x", "http://a/", "/" + "a" * 2048])
def test_what_can_not_stand_in_a_request_line_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="must be a path"):
        check_target(target)


@pytest.mark.parametrize(
    "section",
    [
        "health: {interval: 0}",
        "health: {unhealthy_after: 0}",
        "retries: {attempts: 11}",
        "retries: {on: [500]}",
        "breaker: {failures: 0}",
        "breaker: {open_for: 0}",
        "retries: null",
    ],
)
def test_what_makes_no_sense_is_refused(section: str) -> None:
    assert len(problems(f"upstreams: {{o: {{servers: [{{url: 'http://a'}}], {section}}}}}")) == 1
