"""Each way to fail says what a caller must know."""

from __future__ import annotations

from gateway.errors import GatepostError
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow, UpstreamUnavailable


def test_all_are_of_one_kind() -> None:
    for kind in (UpstreamBroken, UpstreamSlow, UpstreamUnavailable):
        assert issubclass(kind, UpstreamError)
    assert issubclass(UpstreamError, GatepostError)


def test_who_is_sent_away_is_told_when_to_come_again() -> None:
    assert UpstreamUnavailable("all rest").retry_after == 1
    assert UpstreamUnavailable("all rest", retry_after=7).retry_after == 7
