import pytest
import yaml

from gateway.config.scalars import is_merge, scalar_value


def scalar(text: str) -> yaml.ScalarEvent:
    return next(event for event in yaml.parse(text) if isinstance(event, yaml.ScalarEvent))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("0o17", "0o17"),
        ("017", 15),
        ("1_000", 1000),
        ("1.5", 1.5),
        (".inf", float("inf")),
        ("on", True),
        ("No", False),
        ("~", None),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("!!int '12'", 12),
        ("2024-01-31", "2024-01-31"),
        ("=", "="),
    ],
)
def test_a_scalar_means_what_yaml_1_1_says_and_dates_stay_text(text: str, value: object) -> None:
    found = scalar_value(scalar(text))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["!!int x", "!!int ''", "!!bool maybe", "!!float x", "!own x", "!!python/name:os x"]
)
def test_a_tag_that_is_unknown_or_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="YAML"):
        scalar_value(scalar(text))


def test_only_a_plain_merge_key_merges() -> None:
    assert is_merge(scalar("<<"))
    assert not is_merge(scalar("'<<'"))
    assert not is_merge(scalar("!!str <<"))
