import pytest
from aiohttp import web

from gateway.errors import StoreUnavailable
from gateway.http.problems import BAD_REQUEST, Problem
from gateway.upstream.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamSlow,
    UpstreamUnavailable,
)
from gateway.web.error_responses import aiohttp_problem, to_problem


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable("away"), "900900"),
        (UpstreamBroken("reset"), "101503"),
        (UpstreamSlow("slow"), "101504"),
        (UpstreamUnavailable("none", 7), "303001"),
        (UpstreamOverloaded("20 wait"), "503"),
        (UpstreamError("other"), "101503"),
        (ValueError("a programming error"), "500"),
        (Problem(BAD_REQUEST), "400"),
    ],
)
def test_every_error_has_its_row_and_tells_no_reason(error: Exception, code: str) -> None:
    problem = to_problem(error).document("id")
    assert problem["code"] == code
    assert str(error) not in str(problem) or isinstance(error, Problem)


def test_an_upstream_that_is_away_says_when_to_come_back() -> None:
    assert to_problem(UpstreamUnavailable("none", 7)).headers == [(b"Retry-After", b"7")]


@pytest.mark.parametrize(("status", "code"), [(404, "404"), (413, "413"), (400, "400"), (415, "400")])
def test_what_aiohttp_raises_is_reported_in_the_gateways_words(status: int, code: str) -> None:
    kinds = {404: web.HTTPNotFound(), 413: web.HTTPRequestEntityTooLarge(1, 2), 400: web.HTTPBadRequest()}
    assert aiohttp_problem(kinds.get(status, web.HTTPUnsupportedMediaType())).kind.code == code
