"""How values read to people."""

from __future__ import annotations

import pytest

from gateway.portal.filters import about, clock_time, day, grant, milliseconds, moment, moment_text, span, utc
from gateway.translation.languages import Language
from gateway.translation.text import IN_ENGLISH, speaking


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (3600, "1 hour"),
        (5400, "90 minutes"),
        (172_800, "2 days"),
        (0, "0 days"),
    ],
)
def test_a_duration_has_its_largest_whole_unit(seconds: int, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (100_000, "1 day"),
        (86_399, "23 hours"),
        (119, "1 minute"),
        (59, "less than a minute"),
        (-5, "less than a minute"),
    ],
)
def test_at_a_glance_a_duration_is_rounded_down(seconds: int, text: str) -> None:
    assert about(seconds) == text


def test_dates_are_utc() -> None:
    assert moment(0) == '<time datetime="1970-01-01T00:00:00Z">1970-01-01 00:00 UTC</time>'
    assert day(86_399) == '<time datetime="1970-01-01T23:59:59Z" data-day>1970-01-01</time>'


@pytest.mark.parametrize(
    ("tag", "text", "date"),
    [
        ("de", "01.01.1970, 00:00 UTC", "01.01.1970"),
        ("ja", "1970/01/01, 00:00 UTC", "1970/01/01"),
        ("pt-BR", "1 de jan. de 1970, 00:00 UTC", "1 de jan. de 1970"),
    ],
)
def test_dates_are_written_as_the_language_does(tag: str, text: str, date: str) -> None:
    with speaking(Language(tag, ""), IN_ENGLISH):
        assert moment_text(0) == text
        assert day(0) == f'<time datetime="1970-01-01T00:00:00Z" data-day>{date}</time>'


def test_times_of_calls_are_shown_to_the_second() -> None:
    assert utc(1.25) == "1970-01-01T00:00:01.250Z"
    assert clock_time(1.25) == (
        '<time datetime="1970-01-01T00:00:01Z" data-seconds>1970-01-01 00:00:01 UTC</time>'
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0012, "1.2 ms"), (0.0124, "12 ms"), (1.5, "1,500 ms"), (0, "0.0 ms")]
)
def test_calls_are_measured_in_milliseconds(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text


def test_a_grant_has_a_name_for_people() -> None:
    assert grant("client_credentials") == "Client credentials"
    assert grant("urn:ietf:params:oauth:grant-type:jwt-bearer") == "Jwt bearer"
