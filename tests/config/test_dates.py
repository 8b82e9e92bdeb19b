import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.dates import parse_end


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 86_400),
        ("2027-12-31", 1_830_297_600),
        ("1970-01-01T00:00:10Z", 10),
        ("1970-01-01t01:00:10.5+01:00", 10),
        ("1970-01-01 00:01Z", 60),
    ],
)
def test_a_date_is_good_to_its_end_and_a_time_has_its_zone(text: str, seconds: int) -> None:
    assert parse_end(text) == seconds


@pytest.mark.parametrize(
    "value",
    ["1970-01-01T00:00:10", "2027-02-30", "9999-12-31", "tomorrow", "", 20271231, True, None, [], 1.5],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be a date"):
        parse_end(value)


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}Z)?", fullmatch=True))
def test_whatever_it_is_the_outcome_is_seconds_or_a_refusal(text: str) -> None:
    try:
        seconds = parse_end(text)
    except ValueError:
        return
    assert abs(seconds) < 10**12
