import pytest
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, BadHttpMethod, LineTooLong

from gateway.errors import StoreUnavailable
from gateway.faults import BAD_REQUEST, Fault
from gateway.proxy.target import MAX_TARGET
from gateway.upstream.errors import UpstreamBroken, UpstreamError, UpstreamSlow, UpstreamUnavailable
from gateway.web.faults import as_fault, http_fault, unread_kind


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable("away"), "900900"),
        (UpstreamBroken("reset"), "101503"),
        (UpstreamSlow("slow"), "101504"),
        (UpstreamUnavailable("none", 7), "303001"),
        (UpstreamError("other"), "101503"),
        (ValueError("a programming error"), "500"),
        (Fault(BAD_REQUEST), "400"),
    ],
)
def test_every_error_has_its_row_and_tells_no_reason(error: Exception, code: str) -> None:
    problem = as_fault(error).problem("id")
    assert problem["code"] == code
    assert str(error) not in str(problem) or isinstance(error, Fault)


def test_an_upstream_that_is_away_says_when_to_come_back() -> None:
    assert as_fault(UpstreamUnavailable("none", 7)).headers == [(b"Retry-After", b"7")]


@pytest.mark.parametrize(("status", "code"), [(404, "404"), (413, "413"), (400, "400"), (415, "400")])
def test_what_aiohttp_raises_is_told_in_the_gateways_words(status: int, code: str) -> None:
    kinds = {404: web.HTTPNotFound(), 413: web.HTTPRequestEntityTooLarge(1, 2), 400: web.HTTPBadRequest()}
    assert http_fault(kinds.get(status, web.HTTPUnsupportedMediaType())).kind.code == code


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadHttpMethod("BREW"), 501),
        (LineTooLong(b"", MAX_TARGET), 414),
        (LineTooLong(b"", 1), 431),
        (BadHttpMessage(""), 400),
        (None, 400),
    ],
)
def test_what_can_t_be_parsed_has_its_status(error: Exception | None, status: int) -> None:
    assert unread_kind(error).status == status
