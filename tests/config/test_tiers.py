import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.config.tiers import Rate, Tier

READ = TypeAdapter[Rate](Tier)


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("1000 per 1m", Rate(limit=1000, per=60)),
        ("5 per s", Rate(limit=5, per=1)),
        ("5 per 0.5h", Rate(limit=5, per=1800)),
        ({"limit": 10, "per": "1d"}, Rate(limit=10, per=86400)),
        ({"limit": 10, "per": 1, "burst": 2}, Rate(limit=10, per=1, burst=2)),
    ],
)
def test_a_tier_is_a_mapping_or_a_few_words(written: object, rate: Rate) -> None:
    assert READ.validate_python(written) == rate


@pytest.mark.parametrize(
    "written",
    [
        "",
        "1000",
        "1000/m",
        "0 per 1m",
        "-1 per 1m",
        "10 per 0s",
        "10 per 1y",
        "10 per 10ms",
        "10 per 32d",
        10,
        {"limit": 10},
        {"limit": 1.5, "per": 1},
        {"limit": 10, "per": 1, "burst": 10},
        {"limit": 5, "per": 1, "x": 1},
    ],
)
def test_what_is_no_rate_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        READ.validate_python(written)
